/** `RTCStatsReport`s as the plain object of `getStats()`. */
import type { PeerId } from './protocol/ids.ts';
import { PUBLICATION_KINDS } from './protocol/peer.ts';
import type { PublicationKind } from './protocol/peer.ts';
import type { FrameCounts } from './protocol/worker.ts';
import type { PeerStats, SessionStats } from './session-types.ts';

type Entry = { readonly [key: string]: unknown };

/** The browser's word about one connection, and the worker's. */
export type StatsSources = { readonly report: RTCStatsReport; readonly counts: readonly FrameCounts[] };

/** Of all peers and together, with what was dropped. */
export function sessionStats(
  sources: ReadonlyMap<PeerId, readonly StatsSources[]>,
  dropped: ReadonlyMap<string, number>,
): SessionStats {
  const peers: Record<PeerId, PeerStats> = {};
  for (const [peerId, each] of sources) {
    const stats = statsOfPeer(each);
    if (stats) peers[peerId] = stats;
  }
  const totals = { bytesSent: 0, bytesReceived: 0, framesSealed: 0, framesOpened: 0 };
  for (const peer of Object.values(peers)) {
    totals.bytesSent += peer.bytesSent;
    totals.bytesReceived += peer.bytesReceived;
    totals.framesSealed += peer.framesSealed;
    totals.framesOpened += peer.framesOpened;
  }
  return { peers, totals, dropped: Object.fromEntries(dropped) };
}

/** Of the connection that carries, with what has gone over each. `undefined` where there is none. */
function statsOfPeer(sources: readonly StatsSources[]): PeerStats | undefined {
  const each = sources.map(peerStatsOf);
  const carrying = sources.map(({ report }) => lastArrival(report));
  const best = each[carrying.indexOf(Math.max(...carrying))];
  if (!best || each.length === 1) return best;
  const sums = { ...best, framesDropped: {} as Record<string, number> };
  for (const field of SUMMED) sums[field] = each.reduce((total, one) => total + one[field], 0);
  for (const { framesDropped } of each) {
    for (const [reason, count] of Object.entries(framesDropped)) {
      sums.framesDropped[reason] = (sums.framesDropped[reason] ?? 0) + count;
    }
  }
  return sums;
}

const SUMMED = [
  'framesSealed',
  'framesOpened',
  'framesSentByStats',
  'framesDecoded',
  'audioEnergy',
  'bytesSent',
  'bytesReceived',
] as const;

/** When a packet of sound or picture came last, in the browser's time; 0: none has. */
function lastArrival(report: RTCStatsReport): number {
  const inbound = [...entriesOf(report).values()].filter(({ type }) => type === 'inbound-rtp');
  return Math.max(0, ...inbound.map((entry) => Number(entry['lastPacketReceivedTimestamp']) || 0));
}

/** How a connection goes; `none`: nowhere yet. */
export function pathOf(report: RTCStatsReport): PeerStats['link'] {
  const entries = entriesOf(report);
  const pair = selectedPair([...entries.values()], entries);
  if (!pair) return 'none';
  // of one TURN host between two people, each is told only as that side's whose it is
  const ends = ['localCandidateId', 'remoteCandidateId'].map((end) => entries.get(text(pair, end)) ?? {});
  return ends.some((end) => text(end, 'candidateType') === 'relay') ? 'relay' : 'direct';
}

export function peerStatsOf({ report, counts }: StatsSources): PeerStats {
  const entries = entriesOf(report);
  const all = [...entries.values()];
  const pair = selectedPair(all, entries);
  const local = pair && entries.get(text(pair, 'localCandidateId'));
  const candidateType = local ? text(local, 'candidateType') : '';
  const outbound = all.filter(({ type }) => type === 'outbound-rtp');
  const inbound = all.filter(({ type }) => type === 'inbound-rtp');
  const codecs = [...outbound, ...inbound].map((entry) => text(entries.get(text(entry, 'codecId')) ?? {}, 'mimeType'));
  const rtt_s = pair?.['currentRoundTripTime'];
  return {
    link: pathOf(report),
    candidateType,
    relayProtocol: local && candidateType === 'relay' ? text(local, 'relayProtocol') : '',
    rtt_ms: typeof rtt_s === 'number' ? rtt_s * 1000 : undefined,
    framesSealed: doneOf(counts, 'seal'),
    framesOpened: doneOf(counts, 'open'),
    framesDropped: droppedOf(counts),
    framesSentByStats: sum(outbound, 'framesSent'),
    framesDecoded: sum(inbound, 'framesDecoded'),
    audioEnergy: sum(inbound, 'totalAudioEnergy'),
    bytesSent: sum(outbound, 'bytesSent'),
    bytesReceived: sum(inbound, 'bytesReceived'),
    codec: [...new Set(codecs.filter((codec) => codec !== ''))],
  };
}

/**
 * PR9: whether something goes, or has gone, to the peer by another way than through a TURN host of ours. A check is something: it comes
 * from an address. What our TURN host has put in the place of its own address (`prflx`) is told by the way to it, which only such a one has.
 */
export function isExposed(report: RTCStatsReport): boolean {
  const entries = entriesOf(report);
  const all = [...entries.values()];
  const pairs = all.filter(
    (entry) => entry['type'] === 'candidate-pair' && sum([entry], 'bytesSent') + sum([entry], 'requestsSent') > 0,
  );
  const selected = selectedPair(all, entries);
  const used = selected ? [...pairs, selected] : pairs;
  return used.some((pair) => {
    const local = entries.get(text(pair, 'localCandidateId')) ?? {};
    const type = text(local, 'candidateType');
    return type !== 'relay' && (type !== 'prflx' || text(local, 'relayProtocol') === '');
  });
}

/** By kind: frames that the browser says it has sent, and frames that the worker was given to seal. */
export type SealFigures = { readonly [Kind in PublicationKind]: { readonly sent: number; readonly seen: number } };

/** A frame of sound is a packet; a frame of video is counted as one, however often its packets were sent again. */
export function sealFigures({ report, counts }: StatsSources): SealFigures {
  const outbound = [...entriesOf(report).values()].filter(({ type }) => type === 'outbound-rtp');
  const audio = ofKind(outbound, 'audio');
  const seen = (kind: PublicationKind): number => {
    const stream = PUBLICATION_KINDS.indexOf(kind);
    const own = counts.filter((each) => each.side === 'seal' && each.stream === stream);
    return doneOf(own, 'seal') + total(droppedOf(own));
  };
  return {
    microphone: { sent: sum(audio, 'packetsSent') - sum(audio, 'retransmittedPacketsSent'), seen: seen('microphone') },
    camera: { sent: sum(ofKind(outbound, 'video'), 'framesSent'), seen: seen('camera') },
  };
}

/** Fewer frames say nothing. */
const FRAMES_MIN = 20;
/** So many frames a busy machine may seal and send only later: browsers let no more than two seconds of them wait. */
const AHEAD_MAX = 120;

export type SealReading = {
  readonly figures: SealFigures;
  /** Frames given to the worker that the browser has not counted as sent yet; below zero: sent, and never given to it. */
  readonly ahead: { readonly [Kind in PublicationKind]: number };
  readonly isBypassed: boolean;
};

/**
 * Whether frames went past the worker since the last reading: the browser has sent many, the worker was given less than half of
 * them, and they are not those that were waiting. Not the exact difference: Firefox counts a frame before the worker has it, and may
 * drop it in between.
 */
export function readSeals(last: SealReading | undefined, figures: SealFigures): SealReading {
  const each = PUBLICATION_KINDS.map((kind) => {
    const sent = figures[kind].sent - (last?.figures[kind].sent ?? 0);
    const seen = figures[kind].seen - (last?.figures[kind].seen ?? 0);
    const ahead = Math.min(AHEAD_MAX, (last?.ahead[kind] ?? 0) + seen - sent);
    return { kind, ahead, isBypassed: sent >= FRAMES_MIN && seen < sent / 2 && ahead <= -FRAMES_MIN / 2 };
  });
  const ahead = Object.fromEntries(each.map((one) => [one.kind, one.ahead])) as SealReading['ahead'];
  return { figures, ahead, isBypassed: each.some((one) => one.isBypassed) };
}

function entriesOf(report: RTCStatsReport): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  // Each value is a dictionary of the browser's own; fields are checked where they are read.
  report.forEach((value: Entry, id: string) => entries.set(id, value));
  return entries;
}

function ofKind(entries: readonly Entry[], kind: 'audio' | 'video'): readonly Entry[] {
  return entries.filter((entry) => entry['kind'] === kind);
}

function doneOf(counts: readonly FrameCounts[], side: FrameCounts['side']): number {
  return counts.reduce((sum, each) => sum + (each.side === side ? each.done : 0), 0);
}

function droppedOf(counts: readonly FrameCounts[]): { readonly [reason: string]: number } {
  const dropped: Record<string, number> = {};
  for (const each of counts) {
    for (const [reason, count] of Object.entries(each.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count;
  }
  return dropped;
}

function total(counts: { readonly [reason: string]: number }): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function selectedPair(all: readonly Entry[], entries: ReadonlyMap<string, Entry>): Entry | undefined {
  const transport = all.find(({ type }) => type === 'transport');
  const byTransport = transport && entries.get(text(transport, 'selectedCandidatePairId'));
  // Firefox has no `transport` entry; it marks the pair itself.
  return byTransport ?? all.find((entry) => entry['type'] === 'candidate-pair' && entry['selected'] === true);
}

function text(entry: Entry, key: string): string {
  const value = entry[key];
  return typeof value === 'string' ? value : '';
}

function sum(entries: readonly Entry[], key: string): number {
  let total = 0;
  for (const entry of entries) {
    const value = entry[key];
    if (typeof value === 'number') total += value;
  }
  return total;
}
