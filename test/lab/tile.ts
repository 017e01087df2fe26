/** What the tile of the one other shows, be its sound and picture on this connection or on that. */
import type { TestPage } from '../helpers/browsers.ts';

type Room = HTMLElement & {
  readonly participants: readonly { readonly videoTrack: MediaStreamTrack | undefined }[];
  getStats(): Promise<{ readonly peers: Readonly<Record<string, { readonly link: string }>> }>;
};

/** Begins to note when each picture is shown. */
export async function watchTile(page: TestPage): Promise<void> {
  await page.until('a tile with a picture', () => {
    const room = document.querySelector<Room>('tai-room');
    const track = room?.participants[0]?.videoTrack;
    const find = (root: ParentNode): readonly HTMLVideoElement[] =>
      [...root.querySelectorAll('*')].flatMap((element) => [
        ...(element instanceof HTMLVideoElement ? [element] : []),
        ...(element.shadowRoot ? find(element.shadowRoot) : []),
      ]);
    const video = find(document).find(({ srcObject }) =>
      (srcObject as MediaStream | null)?.getTracks().some((each) => each === track),
    );
    if (!video) return false;
    const shown: number[] = [];
    Object.assign(window, { shown });
    // goes on whatever it is given to show
    const next = (now: number): void => {
      shown.push(performance.timeOrigin + now);
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
    return true;
  });
}

/** Milliseconds since 1970 of every picture so far. */
export function shownTimes(page: TestPage): Promise<readonly number[]> {
  return page.evaluate(() => (window as unknown as { shown?: readonly number[] }).shown ?? []);
}

/** Until so many more pictures were shown. */
export async function showsMore(page: TestPage, pictures: number): Promise<void> {
  const wanted = (await shownTimes(page)).length + pictures;
  await page.until(
    `${pictures} more pictures`,
    (count) => ((window as unknown as { shown?: readonly number[] }).shown?.length ?? 0) >= count,
    wanted,
  );
}

/** In the page: whether what carries to the one other goes so. */
export async function goesBy(link: string): Promise<boolean> {
  const stats = await document.querySelector<Room>('tai-room')?.getStats();
  return Object.values(stats?.peers ?? {}).some((peer) => peer.link === link);
}

/** In the page: so many of its connections stand (the journal keeps them). */
export function standing(count: number): boolean {
  const { journal } = window as unknown as { journal: { readonly opened: readonly RTCPeerConnection[] } };
  return journal.opened.filter(({ connectionState }) => connectionState === 'connected').length === count;
}
