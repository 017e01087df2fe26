/** What the worker says of frames, held against what the browser says: the truth about what leaves and what arrives. */
import { linkName, linkOfName } from './keys/sender-keys.ts';
import type { Links } from './links.ts';
import type { FramePort, FrameState } from './ports.ts';
import type { PeerId } from './protocol/ids.ts';
import { PUBLICATION_KINDS } from './protocol/peer.ts';
import type { FrameCounts, TransformAddress } from './protocol/worker.ts';
import type { RoomEvent } from './room/events.ts';
import type { SessionStats } from './session-types.ts';
import { isAllSealed, sessionStats } from './stats.ts';

export type FrameWatchOptions = {
  readonly links: Links;
  readonly frames: Pick<FramePort, 'counts'>;
  /** Frames of this peer come on this link, and none opens. */
  onFailing(peerId: PeerId, generation: number): void;
  onEvent(event: RoomEvent): void;
};

export class FrameWatch {
  readonly #options: FrameWatchOptions;

  constructor(options: FrameWatchOptions) {
    this.#options = options;
  }

  /** What the worker tells of one transform's frames. */
  changed({ link, stream }: TransformAddress, state: FrameState): void {
    const { links, onFailing, onEvent } = this.#options;
    const { peerId, link: generation } = linkOfName(link);
    const kind = PUBLICATION_KINDS[stream];
    const found = links.get(peerId, generation);
    if (!found || !kind) return;
    if (state === 'ready') return found.setSealed(kind);
    if (state === 'failing') onFailing(peerId, generation);
    onEvent({ type: 'frames', peerId, generation, kind, state });
  }

  /** Holds what was sealed against what was sent. A link that has sent more is silenced at once (SK7). */
  async check(): Promise<void> {
    const { links, frames, onEvent } = this.#options;
    const reports = await links.stats();
    // counted after: what was sent by then was sealed by then
    const counts = await frames.counts();
    for (const [peerId, { report, generation }] of reports) {
      const link = links.get(peerId, generation);
      const own = countsOf(counts, peerId, generation);
      // the worker did not answer, and is being started anew
      if (!link || own.length === 0 || isAllSealed(report, own)) continue;
      link.silence();
      onEvent({ type: 'frames-unsealed', peerId, generation });
    }
  }

  async stats(dropped: ReadonlyMap<string, number>): Promise<SessionStats> {
    const reports = await this.#options.links.stats();
    const counts = await this.#options.frames.counts();
    const sources = [...reports].map(([peerId, { report, generation }]) => {
      return [peerId, { report, counts: countsOf(counts, peerId, generation) }] as const;
    });
    return sessionStats(new Map(sources), dropped);
  }
}

function countsOf(counts: readonly FrameCounts[], peerId: PeerId, generation: number): readonly FrameCounts[] {
  const name = linkName(peerId, generation);
  return counts.filter(({ link }) => link === name);
}
