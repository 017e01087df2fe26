/** How long a picture stands still: the times at which each new one of each other participant is shown. */
import type { TestPage } from './browsers.ts';

/** By peer id: milliseconds since 1970, the same clock in every page of one machine. */
export type ShownTimes = Readonly<Record<string, readonly number[]>>;

/** Begins to note the pictures of these. */
export async function watchPictures(page: TestPage, peerIds: readonly string[]): Promise<void> {
  await page.until('tracks', watch, peerIds);
}

/** What was noted since the last call. */
export function takeTimes(page: TestPage): Promise<ShownTimes> {
  return page.evaluate(() => {
    const { shown = {} } = window as unknown as { shown?: Record<string, number[]> };
    return Object.fromEntries(Object.entries(shown).map(([peerId, times]) => [peerId, times.splice(0)]));
  });
}

function watch(peerIds: readonly string[]): boolean {
  const others = document.querySelector('tai-room')?.participants ?? [];
  const tracks = peerIds.map((peerId) => others.find((each) => each.peerId === peerId)?.videoTrack);
  if (tracks.includes(undefined)) return false;
  const shown: Record<string, number[]> = {};
  Object.assign(window, { shown });
  for (const [i, track] of tracks.entries()) {
    const times: number[] = [];
    shown[peerIds[i] ?? ''] = times;
    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = new MediaStream(track ? [track] : []);
    video.style.cssText = 'position:fixed;left:0;bottom:0;width:32px;height:18px';
    document.body.append(video);
    void video.play();
    const next = (now: number): void => {
      times.push(performance.timeOrigin + now);
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  }
  return true;
}

/** The longest time without a new picture that reaches into the span. */
export function longestGap(times: readonly number[], from: number, to: number): number {
  let longest = 0;
  for (let i = 1; i < times.length; i++) {
    const [start = 0, end = 0] = [times[i - 1], times[i]];
    if (start < to && end > from) longest = Math.max(longest, end - start);
  }
  return longest;
}

/** `share` from 0 to 1; 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
