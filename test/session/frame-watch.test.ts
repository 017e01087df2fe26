/** SK7: whom frames went to past the worker, nothing is sent to any more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FrameWatch } from '../../src/engine/frame-watch.ts';
import type { OpenLink } from '../../src/engine/links.ts';
import type { LinkPort } from '../../src/engine/ports.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomEvent } from '../../src/engine/room/events.ts';

const BOB = `0x${'0b'.repeat(16)}` as PeerId;
const ADDRESS = { stream: 0, side: 'seal' } as const;

/** One link at a time to one peer, that says to have sent so many packets of sound; the worker has seen none. */
class Scene {
  name = '1';
  sent = 0;
  /** What the browser says of the way. */
  path: readonly (readonly [string, object])[] = [];
  readonly calls: string[] = [];
  readonly events: RoomEvent[] = [];
  readonly watch = new FrameWatch({
    links: {
      named: (name) => (name === this.name ? { peerId: BOB, ...this.#open() } : undefined),
      silence: () => this.#link().silence(),
      stats: async () => {
        const entry = { type: 'outbound-rtp', kind: 'audio', packetsSent: this.sent };
        const report = new Map<string, object>([['out', entry], ...this.path]) as unknown as RTCStatsReport;
        return [{ peerId: BOB, open: this.#open(), report }];
      },
    },
    frames: { counts: async () => [{ ...ADDRESS, link: this.name, done: 0, dropped: {} }] },
    onFailing: () => undefined,
    onEvent: (event) => void this.events.push(event),
  });

  #open(): OpenLink {
    const { name } = this;
    return { name, generation: Number(name), link: this.#link(), isHidden: false, isStalled: false };
  }

  #link(): LinkPort {
    const link: Partial<LinkPort> = {
      setSealed: (kind) => void this.calls.push(`${this.name} ${kind}`),
      silence: () => void this.calls.push(`${this.name} silence`),
    };
    return link as LinkPort;
  }
}

describe('SK7: frames that went past the worker', () => {
  it('end the sending, on that connection and on every later one to this peer', async () => {
    const scene = new Scene();
    scene.watch.changed({ ...ADDRESS, link: '1' }, 'ready');
    for (scene.sent = 50; scene.sent <= 100; scene.sent += 50) await scene.watch.check();
    assert.deepEqual(scene.calls, ['1 microphone'], 'a first reading alone is none');
    await scene.watch.check();
    for (scene.sent = 200; scene.sent <= 250; scene.sent += 50) await scene.watch.check();
    assert.deepEqual(scene.calls.slice(0, 2), ['1 microphone', '1 silence']);
    assert.ok(scene.events.some(({ type }) => type === 'frames-unsealed'));
    scene.name = '2';
    scene.watch.changed({ ...ADDRESS, link: '2' }, 'ready');
    assert.ok(!scene.calls.includes('2 microphone'), 'no track for the next connection');
  });
});

/** As browsers have it: of the pair that is used, where each end is. */
function pathThrough(local: string, remote: string): readonly (readonly [string, object])[] {
  return [
    ['t', { type: 'transport', selectedCandidatePairId: 'p' }],
    ['p', { type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r' }],
    ['l', { type: 'local-candidate', candidateType: local }],
    ['r', { type: 'remote-candidate', candidateType: remote }],
  ];
}

describe('FO1: how a connection goes', () => {
  it('is told once, and again when it changes; nothing is told before there is a way', async () => {
    const scene = new Scene();
    const told = (): readonly unknown[] => scene.events.splice(0);
    await scene.watch.check();
    assert.deepEqual(told(), []);
    const found = { type: 'path-found', peerId: BOB, generation: 1 };
    for (const [local, remote, isRelayed] of [
      ['host', 'prflx', false],
      ['host', 'relay', true],
      ['relay', 'host', true],
      ['srflx', 'srflx', false],
    ] as const) {
      scene.path = pathThrough(local, remote);
      await scene.watch.check();
      await scene.watch.check();
      const isNews = !(local === 'relay');
      assert.deepEqual(told(), isNews ? [{ ...found, isRelayed }] : [], `${local} ${remote}`);
    }
  });
});
