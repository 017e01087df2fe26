/** What people do in a room, and what they then see and hear: the vocabulary of the end-to-end tests. */
import type { TestPage } from './browsers.ts';

export const JOIN_BUTTON = 'tai-room >>> tai-lobby >>> button[type=submit]';

/** The public face of `<tai-room>` as far as the tests use it. */
type Room = HTMLElement & {
  readonly state: string;
  readonly participants: readonly {
    readonly peerId: string;
    readonly name: string;
    readonly videoTrack: MediaStreamTrack | undefined;
    readonly audioTrack: MediaStreamTrack | undefined;
    readonly microphone: { readonly isMuted: boolean } | undefined;
    readonly camera: { readonly isMuted: boolean } | undefined;
  }[];
  createInvite(): string;
  getStats(): Promise<{ readonly peers: Readonly<Record<string, { readonly audioEnergy: number }>> }>;
  leave(): void;
};

/** A page like a customer's, with one room. `attributes` go into the element as they are. */
export function roomPage(relayUrl: string, attributes = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>host</title>
<script type="module" src="${relayUrl}/tai.js"></script></head>
<body><main><div id="first"><tai-room ${attributes}></tai-room></div><div id="second"></div></main></body></html>`;
}

export async function joinByClick(page: TestPage): Promise<void> {
  await page.click(JOIN_BUTTON);
  await page.until('joined', () => document.querySelector<Room>('tai-room')?.state === 'joined');
}

export function inviteOf(page: TestPage): Promise<string> {
  return page.evaluate(() => document.querySelector<Room>('tai-room')?.createInvite() ?? '');
}

/** Until exactly so many others are shown. */
export async function seesOthers(page: TestPage, count: number): Promise<void> {
  await page.until(
    `${count} other participants`,
    (wanted) => document.querySelector<Room>('tai-room')?.participants.length === wanted,
    count,
  );
}

/** Until every remote participant's tile has shown so many new frames, counted by `requestVideoFrameCallback`. */
export async function seesVideo(page: TestPage, others: number, frames = 10): Promise<void> {
  const key = `frames-${Math.random().toString(36).slice(2)}`;
  await page.until(`${frames} frames of each of ${others} others`, countFrames, { key, others, frames });
}

function countFrames({ key, others, frames }: { key: string; others: number; frames: number }): boolean {
  type Counted = HTMLVideoElement & { counts?: Record<string, number> };
  const room = document.querySelector<Room>('tai-room');
  const tracks = (room?.participants ?? []).map(({ videoTrack }) => videoTrack);
  if (!room || tracks.length !== others) return false;
  const videos: Counted[] = [];
  const collect = (root: ParentNode): void => {
    for (const element of root.querySelectorAll('*')) {
      if (element instanceof HTMLVideoElement) videos.push(element);
      if (element.shadowRoot) collect(element.shadowRoot);
    }
  };
  collect(room.shadowRoot ?? room);
  return tracks.every((track) => {
    const video = videos.find(
      ({ srcObject }) => track && (srcObject as MediaStream | null)?.getTracks().includes(track),
    );
    if (!video) return false;
    const counts = (video.counts ??= {});
    if (counts[key] === undefined) {
      counts[key] = 0;
      const next = (): void => {
        counts[key] = (counts[key] ?? 0) + 1;
        video.requestVideoFrameCallback(next);
      };
      video.requestVideoFrameCallback(next);
    }
    return counts[key] >= frames;
  });
}

/** Until the sound that arrives from every other has gained energy: it is decoded, and it is not silence. */
export async function hearsAudio(page: TestPage, others: number): Promise<void> {
  const before = await page.evaluate(audioEnergies);
  await page.until(`sound of each of ${others} others`, hasGained, { before, others });
}

async function audioEnergies(): Promise<Record<string, number>> {
  const stats = await document.querySelector<Room>('tai-room')?.getStats();
  return Object.fromEntries(Object.entries(stats?.peers ?? {}).map(([id, { audioEnergy }]) => [id, audioEnergy]));
}

async function hasGained(options: { before: Record<string, number>; others: number }): Promise<boolean> {
  const stats = await document.querySelector<Room>('tai-room')?.getStats();
  const peers = Object.entries(stats?.peers ?? {});
  // Fake microphones beep about once a second: a thousandth of a full-scale second is one of these beeps.
  return (
    peers.length === options.others &&
    peers.every(([id, { audioEnergy }]) => audioEnergy > (options.before[id] ?? 0) + 1e-5)
  );
}

export async function leaves(page: TestPage): Promise<void> {
  await page.evaluate(() => document.querySelector<Room>('tai-room')?.leave());
  await page.until('left', () => document.querySelector<Room>('tai-room')?.state === 'left');
}

/** In the page: whether the room is in that state. */
export function roomState(wanted: string): boolean {
  return document.querySelector<Room>('tai-room')?.state === wanted;
}

/** In the page: whether the one other publishes just this; the values are `isMuted`, `undefined` is "not published". */
export function publishes(wanted: { microphone: boolean | undefined; camera: boolean | undefined }): boolean {
  const [other] = document.querySelector<Room>('tai-room')?.participants ?? [];
  // what is `undefined` does not survive the way into the page
  return (
    other?.microphone?.isMuted === (wanted.microphone ?? undefined) &&
    other?.camera?.isMuted === (wanted.camera ?? undefined)
  );
}
