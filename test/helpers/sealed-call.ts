/** Two or more people in a call whose frames are looked at: what the statistics say, and of which codec. */
import type { BrowserName, TestPage } from './browsers.ts';
import { inviteOf, joinByClick } from './call.ts';
import type { Stage } from './stage.ts';

export const CODECS = ['VP8', 'VP9', 'AV1', 'H264'] as const;

export type PeerFigures = {
  readonly framesSealed: number;
  readonly framesOpened: number;
  readonly framesDropped: Readonly<Record<string, number>>;
  readonly framesSentByStats: number;
  readonly framesDecoded: number;
  readonly codec: readonly string[];
};

type Room = HTMLElement & {
  getStats(): Promise<{ readonly peers: Readonly<Record<string, PeerFigures>> }>;
  rotateKey(): Promise<void>;
};

/** In the page: what the statistics say of each other, by peer id. */
export async function figuresOfOthers(): Promise<Readonly<Record<string, PeerFigures>>> {
  const stats = await document.querySelector<Room>('tai-room')?.getStats();
  return stats?.peers ?? {};
}

/** In the page: of the one other. */
export async function figuresOfOther(): Promise<PeerFigures | undefined> {
  const stats = await document.querySelector<Room>('tai-room')?.getStats();
  return Object.values(stats?.peers ?? {})[0];
}

/** In the page: the word for the one other. */
export function encryptionOfOther(wanted: string): boolean {
  return document.querySelector('tai-room')?.participants[0]?.encryption === wanted;
}

/** In the page: whether this browser sends and receives a codec. */
export function hasCodec(mimeType: string): boolean {
  return [RTCRtpSender, RTCRtpReceiver].every((end) =>
    end.getCapabilities('video')?.codecs.some((codec) => codec.mimeType === mimeType),
  );
}

/** In the page: new keys, on every link. */
export async function rotateKeys(): Promise<void> {
  await document.querySelector<Room>('tai-room')?.rotateKey();
}

/** Frames that a seal has cost. Chromium fills up with packets that it has sent before: such a frame comes twice, and counts once. */
export function lostToSeals({ framesDropped }: PeerFigures): number {
  return Object.entries(framesDropped).reduce((sum, [reason, count]) => (reason === 'replayed' ? sum : sum + count), 0);
}

/** Scripts of the page, before the drop-in's. */
export function withScripts(html: string, ...scripts: readonly string[]): string {
  return html.replace('<script', `${scripts.join('')}<script`);
}

/** The first of two pages opens the room. */
export async function meet(
  stage: Stage,
  [host, guest]: readonly [BrowserName, BrowserName],
  path: string,
): Promise<[TestPage, TestPage]> {
  const first = await stage.open(host, `${stage.site.url}${path}`);
  await joinByClick(first);
  const second = await stage.open(guest, await inviteOf(first));
  await joinByClick(second);
  return [first, second];
}
