/** `RTCStatsReport`s as the plain object of `getStats()`. */
import type { PeerId } from './protocol/ids.ts';
import type { PeerStats, SessionStats } from './session-types.ts';

type Entry = { readonly [key: string]: unknown };

/** Of all peers and together, with what was dropped. */
export function sessionStats(
  reports: ReadonlyMap<PeerId, RTCStatsReport>,
  dropped: ReadonlyMap<string, number>,
): SessionStats {
  const peers = Object.fromEntries([...reports].map(([peerId, report]) => [peerId, peerStatsOf(report)]));
  const totals = { bytesSent: 0, bytesReceived: 0 };
  for (const { bytesSent, bytesReceived } of Object.values(peers)) {
    totals.bytesSent += bytesSent;
    totals.bytesReceived += bytesReceived;
  }
  return { peers, totals, dropped: Object.fromEntries(dropped) };
}

export function peerStatsOf(report: RTCStatsReport): PeerStats {
  const entries = new Map<string, Entry>();
  // Each value is a dictionary of the browser's own; fields are checked where they are read.
  report.forEach((value: Entry, id: string) => entries.set(id, value));
  const all = [...entries.values()];
  const pair = selectedPair(all, entries);
  const local = pair && entries.get(text(pair, 'localCandidateId'));
  const candidateType = local ? text(local, 'candidateType') : '';
  const outbound = all.filter(({ type }) => type === 'outbound-rtp');
  const inbound = all.filter(({ type }) => type === 'inbound-rtp');
  const codecs = [...outbound, ...inbound].map((entry) => text(entries.get(text(entry, 'codecId')) ?? {}, 'mimeType'));
  const rtt_s = pair?.['currentRoundTripTime'];
  return {
    link: pair ? (candidateType === 'relay' ? 'relay' : 'direct') : 'none',
    candidateType,
    rtt_ms: typeof rtt_s === 'number' ? rtt_s * 1000 : undefined,
    framesSentByStats: sum(outbound, 'framesSent'),
    framesDecoded: sum(inbound, 'framesDecoded'),
    audioEnergy: sum(inbound, 'totalAudioEnergy'),
    bytesSent: sum(outbound, 'bytesSent'),
    bytesReceived: sum(inbound, 'bytesReceived'),
    codec: [...new Set(codecs.filter((codec) => codec !== ''))],
  };
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
