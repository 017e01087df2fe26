import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { cameraEncoding } from '../../src/engine/media/quality.ts';
import type { FrameCounts } from '../../src/engine/protocol/worker.ts';
import { isExposed, peerStatsOf, readSeals, sealFigures } from '../../src/engine/stats.ts';
import type { SealFigures, SealReading, StatsSources } from '../../src/engine/stats.ts';

const report = (
  entries: Record<string, Record<string, unknown>>,
  counts: readonly FrameCounts[] = [],
): StatsSources => ({
  report: new Map(Object.entries(entries).map(([id, entry]) => [id, { id, ...entry }])) as unknown as RTCStatsReport,
  counts,
});

const counted = (
  stream: number,
  side: 'seal' | 'open',
  done: number,
  dropped: FrameCounts['dropped'] = {},
): FrameCounts => ({ link: '1', stream, side, done, dropped });

describe('statistics', () => {
  const media = {
    out: { type: 'outbound-rtp', framesSent: 7, bytesSent: 100, codecId: 'vp8' },
    inVideo: { type: 'inbound-rtp', framesDecoded: 5, bytesReceived: 50, codecId: 'vp8' },
    inAudio: { type: 'inbound-rtp', totalAudioEnergy: 0.5, bytesReceived: 20, codecId: 'opus' },
    vp8: { type: 'codec', mimeType: 'video/VP8' },
    opus: { type: 'codec', mimeType: 'audio/opus' },
  };

  it('are summed; the pair is found as Chromium marks it', () => {
    const stats = peerStatsOf(
      report(
        {
          ...media,
          transport: { type: 'transport', selectedCandidatePairId: 'pair' },
          pair: { type: 'candidate-pair', currentRoundTripTime: 0.025, localCandidateId: 'local' },
          local: { type: 'local-candidate', candidateType: 'relay', relayProtocol: 'tcp' },
        },
        [
          counted(0, 'seal', 4, { 'no-key': 1 }),
          counted(1, 'seal', 3),
          counted(1, 'open', 2, { 'no-key': 2, replayed: 1 }),
        ],
      ),
    );
    assert.deepEqual(stats, {
      link: 'relay',
      candidateType: 'relay',
      relayProtocol: 'tcp',
      rtt_ms: 25,
      framesSealed: 7,
      framesOpened: 2,
      framesDropped: { 'no-key': 3, replayed: 1 },
      framesSentByStats: 7,
      framesDecoded: 5,
      audioEnergy: 0.5,
      bytesSent: 100,
      bytesReceived: 70,
      codec: ['video/VP8', 'audio/opus'],
    });
  });

  it('the pair is found as Firefox marks it', () => {
    const stats = peerStatsOf(
      report({
        pair: { type: 'candidate-pair', selected: true, localCandidateId: 'local' },
        local: { type: 'local-candidate', candidateType: 'host' },
      }),
    );
    assert.deepEqual([stats.link, stats.candidateType, stats.rtt_ms], ['direct', 'host', undefined]);
  });

  it('a path through the TURN host of the peer is no direct one', () => {
    const of = (remote: string): readonly string[] => {
      const stats = peerStatsOf(
        report({
          pair: { type: 'candidate-pair', selected: true, localCandidateId: 'local', remoteCandidateId: 'remote' },
          local: { type: 'local-candidate', candidateType: 'prflx' },
          remote: { type: 'remote-candidate', candidateType: remote, relayProtocol: 'udp' },
        }),
      );
      return [stats.link, stats.candidateType, stats.relayProtocol];
    };
    assert.deepEqual(of('relay'), ['relay', 'prflx', '']);
    assert.deepEqual(of('srflx'), ['direct', 'prflx', '']);
  });

  it('of a connection that is not there yet say so', () => {
    assert.deepEqual([peerStatsOf(report({})).link, peerStatsOf(report({})).codec], ['none', []]);
  });
});

describe('PR9: what goes another way than through a TURN host of ours', () => {
  const pairOf = (
    type: string,
    more: Record<string, unknown>,
    name = type,
  ): Record<string, Record<string, unknown>> => ({
    [`pair ${name}`]: { type: 'candidate-pair', localCandidateId: `local ${name}`, ...more },
    [`local ${name}`]: { type: 'local-candidate', candidateType: type },
  });
  const exposes = (...entries: readonly Record<string, Record<string, unknown>>[]): boolean =>
    isExposed(report(Object.assign({}, ...entries)).report);

  it('is seen in the pair that is selected, as both browsers mark it', () => {
    assert.equal(exposes(pairOf('relay', { selected: true })), false);
    for (const type of ['host', 'srflx', 'prflx', '']) {
      assert.equal(exposes(pairOf(type, { selected: true })), true, type);
      const transport = { transport: { type: 'transport', selectedCandidatePairId: `pair ${type}` } };
      assert.equal(exposes(transport, pairOf(type, {})), true, type);
    }
  });

  it('is seen in any pair that has carried something, and in none that has not', () => {
    const selected = pairOf('relay', { selected: true, bytesSent: 9 });
    assert.equal(exposes(selected, pairOf('host', { bytesSent: 1 })), true);
    assert.equal(exposes(selected, pairOf('host', { bytesSent: 0, requestsSent: 0 })), false);
    assert.equal(exposes({}), false);
  });

  it('is seen in a check alone, which comes from an address', () => {
    const selected = pairOf('relay', { selected: true, bytesSent: 9, requestsSent: 3 });
    assert.equal(exposes(selected, pairOf('host', { bytesSent: 0, requestsSent: 1 })), true);
  });

  it('is not what our TURN host, or a peer that answers it, has called our end', () => {
    const local = { 'local prflx': { type: 'local-candidate', candidateType: 'prflx', relayProtocol: 'udp' } };
    assert.equal(exposes(pairOf('prflx', { selected: true, requestsSent: 1 }), local), false);
    const host = { 'local host': { type: 'local-candidate', candidateType: 'host', relayProtocol: 'udp' } };
    assert.equal(exposes(pairOf('host', { selected: true }), host), true);
  });

  it('and through the TURN host of the other it goes by TURN as well', () => {
    const remote = { remote: { type: 'remote-candidate', candidateType: 'relay' } };
    const stats = peerStatsOf(
      report({ ...pairOf('host', { selected: true, remoteCandidateId: 'remote' }), ...remote }),
    );
    assert.deepEqual([stats.link, stats.candidateType], ['relay', 'host']);
  });
});

describe('SK7: frames that went past the worker', () => {
  const figures = (audio: number, video: number, seen: readonly [number, number], again = 0): SealFigures =>
    sealFigures(
      report(
        {
          sound: { type: 'outbound-rtp', kind: 'audio', packetsSent: audio + again, retransmittedPacketsSent: again },
          picture: { type: 'outbound-rtp', kind: 'video', framesSent: video, packetsSent: 9 * video },
          in: { type: 'inbound-rtp', kind: 'audio', packetsSent: 99 },
        },
        [
          counted(0, 'seal', seen[0]),
          counted(1, 'seal', seen[1] - 1, { 'unsupported-layout': 1 }),
          counted(0, 'open', 50),
          counted(1, 'open', 50),
        ],
      ),
    );

  it('are counted by kind: packets of sound that were sent once, and pictures', () => {
    assert.deepEqual(figures(10, 5, [9, 4], 3), { microphone: { sent: 10, seen: 9 }, camera: { sent: 5, seen: 4 } });
  });

  const isBypassed = (...readings: readonly SealFigures[]): readonly boolean[] => {
    let last: SealReading | undefined;
    return readings.map((each) => (last = readSeals(last, each)).isBypassed);
  };

  it('show where the browser sends many and the worker is given less than half, of either kind', () => {
    const before = figures(100, 60, [100, 60]);
    assert.deepEqual(isBypassed(before, figures(200, 120, [100, 120])), [false, true]);
    assert.deepEqual(isBypassed(before, figures(200, 120, [200, 80])), [false, true]);
    assert.deepEqual(isBypassed(figures(30, 0, [0, 1])), [true], 'from the first reading on');
  });

  it('do not show where the worker is a little behind, or where hardly anything was sent', () => {
    const before = figures(100, 60, [100, 60]);
    assert.deepEqual(isBypassed(before, figures(200, 120, [160, 95])), [false, false]);
    assert.deepEqual(isBypassed(before, figures(119, 79, [100, 60])), [false, false]);
    assert.deepEqual(isBypassed(before, before), [false, false]);
  });

  it('do not show where a busy machine sends late what was sealed before', () => {
    assert.deepEqual(isBypassed(figures(10, 10, [110, 90]), figures(110, 90, [115, 95])), [false, false]);
  });

  it('show within a few readings, however many were given to the worker before', () => {
    const readings = [figures(0, 10, [0, 3000]), ...[1, 2, 3, 4].map((n) => figures(0, 10 + n * 60, [0, 3000]))];
    assert.deepEqual(isBypassed(...readings), [false, false, false, true, true]);
  });
});

describe('the cost of a camera', () => {
  it('never grows with the number of peers, and all of them together stay near 2 Mb/s', () => {
    let before = Number.POSITIVE_INFINITY;
    for (let peers = 0; peers <= 7; peers++) {
      const { maxBitrate, scaleResolutionDownBy } = cameraEncoding(peers);
      assert.ok(maxBitrate <= before);
      assert.ok(maxBitrate * peers <= 2_500_000, `${peers} peers`);
      assert.ok(scaleResolutionDownBy >= 1);
      before = maxBitrate;
    }
  });
});
