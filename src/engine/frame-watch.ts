/** What the worker says of frames, held against what the browser says: the truth about what leaves and what arrives. */
import type { LinkReport, Links } from './links.ts';
import type { FramePort } from './ports.ts';
import type { PeerId } from './protocol/ids.ts';
import { PUBLICATION_KINDS } from './protocol/peer.ts';
import type { FrameCounts, FrameState, TransformAddress } from './protocol/worker.ts';
import type { RoomEvent } from './room/events.ts';
import type { SessionStats } from './session-types.ts';
import { pathOf, readSeals, sealFigures, sessionStats } from './stats.ts';
import type { SealReading, StatsSources } from './stats.ts';

export type FrameWatchOptions = {
  readonly links: Pick<Links, 'named' | 'stats' | 'silence'>;
  readonly frames: Pick<FramePort, 'counts'>;
  /** Frames of this peer come on this link, and none opens. */
  onFailing(peerId: PeerId, generation: number): void;
  onEvent(event: RoomEvent): void;
};

/** So many readings in a row: one may fall into a moment in which the worker was kept from its work. */
const STRIKES_MAX = 2;

export class FrameWatch {
  readonly #options: FrameWatchOptions;
  /** By the link's name: the last reading, and how often in a row frames went past the worker. */
  readonly #readings = new Map<string, { readonly reading: SealReading; readonly strikes: number }>();

  /** By the link's name: whether it goes through a TURN host. */
  readonly #paths = new Map<string, boolean>();

  /** Whom frames went to past the worker: to them nothing is sent any more, on no later connection either. */
  readonly #silenced = new Set<PeerId>();

  constructor(options: FrameWatchOptions) {
    this.#options = options;
  }

  /** What the worker tells of one transform's frames. */
  changed({ link, stream }: TransformAddress, state: FrameState): void {
    const { links, onFailing, onEvent } = this.#options;
    const kind = PUBLICATION_KINDS[stream];
    const found = links.named(link);
    if (!found || !kind) return;
    const { peerId, generation } = found;
    if (state === 'ready') {
      if (!this.#silenced.has(peerId)) found.link.setSealed(kind);
      return;
    }
    if (state === 'unsupported') return onEvent({ type: 'sealing-failed', code: 'unsupported-browser' });
    if (state === 'failing') onFailing(peerId, generation);
    onEvent({ type: 'frames', peerId, generation, kind, state });
  }

  /** Holds what was given to the worker against what was sent. A link that sends past it is silenced (SK7). */
  async check(): Promise<void> {
    const { links, frames, onEvent } = this.#options;
    const reports = await links.stats();
    const counts = await frames.counts();
    // it does not answer, and is being started anew
    if (!counts) return;
    const names = new Set(reports.map(({ open }) => open.name));
    for (const name of this.#readings.keys()) if (!names.has(name)) this.#readings.delete(name);
    for (const name of this.#paths.keys()) if (!names.has(name)) this.#paths.delete(name);
    for (const each of reports) {
      this.#tellPath(each);
      const { report } = each;
      const { name } = each.open;
      const last = this.#readings.get(name);
      const reading = readSeals(last?.reading, sealFigures({ report, counts: countsOf(counts, name) }));
      const strikes = last && reading.isBypassed ? last.strikes + 1 : 0;
      this.#readings.set(name, { reading, strikes });
      const found = links.named(name);
      // closed meanwhile
      if (strikes < STRIKES_MAX || !found) continue;
      const { peerId, generation } = found;
      this.#silenced.add(peerId);
      links.silence(peerId);
      onEvent({ type: 'frames-unsealed', peerId, generation });
    }
  }

  async stats(dropped: ReadonlyMap<string, number>): Promise<SessionStats> {
    const reports = await this.#options.links.stats();
    const counts = (await this.#options.frames.counts()) ?? [];
    const sources = new Map<PeerId, StatsSources[]>();
    for (const { peerId, report, open } of reports) {
      const each = { report, counts: countsOf(counts, open.name) };
      sources.set(peerId, [...(sources.get(peerId) ?? []), each]);
    }
    return sessionStats(sources, dropped);
  }

  #tellPath({ peerId, open: { name, generation }, report }: LinkReport): void {
    const path = pathOf(report);
    if (path === 'none' || this.#paths.get(name) === (path === 'relay')) return;
    this.#paths.set(name, path === 'relay');
    this.#options.onEvent({ type: 'path-found', peerId, generation, isRelayed: path === 'relay' });
  }
}

function countsOf(counts: readonly FrameCounts[], name: string): readonly FrameCounts[] {
  return counts.filter(({ link }) => link === name);
}
