import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import { cameraEncoding } from '../../src/engine/media/quality.ts';
import { peerStatsOf } from '../../src/engine/stats.ts';

const report = (entries: Record<string, Record<string, unknown>>): RTCStatsReport =>
  new Map(Object.entries(entries).map(([id, entry]) => [id, { id, ...entry }])) as unknown as RTCStatsReport;

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
      report({
        ...media,
        transport: { type: 'transport', selectedCandidatePairId: 'pair' },
        pair: { type: 'candidate-pair', currentRoundTripTime: 0.025, localCandidateId: 'local' },
        local: { type: 'local-candidate', candidateType: 'relay' },
      }),
    );
    assert.deepEqual(stats, {
      link: 'relay',
      candidateType: 'relay',
      rtt_ms: 25,
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

  it('of a connection that is not there yet say so', () => {
    assert.deepEqual([peerStatsOf(report({})).link, peerStatsOf(report({})).codec], ['none', []]);
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
