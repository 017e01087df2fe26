/** What people answer about codes, while storage is slow, peers come and go, and keys are rotated. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Assurance } from '../../src/engine/assurance.ts';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomEvent } from '../../src/engine/room/events.ts';
import type { Call, Peer } from '../../src/engine/room/state.ts';
import { stepTrust } from '../../src/engine/room/trust.ts';
import { ALICE, BOB, CAROL, ROOM } from '../helpers/samples.ts';

const OLD = new Uint8Array(32).fill(1);
const NEW = new Uint8Array(32).fill(2);

type Gate = { readonly opened: Promise<void>; open(): void; fail(): void };

function gate(): Gate {
  let open = (): void => {};
  let fail = (): void => {};
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = () => reject(new Error('no storage'));
  });
  return { opened, open: () => open(), fail: () => fail() };
}

/** Long enough for what waits for nothing. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn();
}

/** Alice's side, with peers and storage of the test's. */
class Stage {
  readonly events: RoomEvent[] = [];
  readonly dropped: string[] = [];
  /** Device and mark, in order. */
  readonly marks: (readonly [string, boolean])[] = [];
  /** Waited for, where they are there, before storage does it. */
  marking: Gate | undefined;
  looking: Gate | undefined;
  moving: Gate | undefined;
  readonly #devices = new Map<PeerId, Bytes>();
  readonly #peers = new Map<PeerId, Peer>();
  readonly #assurance: Assurance;

  constructor() {
    const look = async (): Promise<string> => {
      await this.looking?.opened;
      return 'known';
    };
    const pins = {
      look,
      pin: look,
      setVerified: async (device: Bytes, isVerified: boolean) => {
        await this.marking?.opened;
        this.marks.push([toHex(device), isVerified]);
      },
      isRevoked: async () => false,
      moveTo: async () => {
        await this.moving?.opened;
        return true;
      },
    };
    const proofs = {
      certificateOf: (peerId: PeerId) => certificateOf(this.#devices.get(peerId)),
      openRotation: async () => ({ from: OLD, to: NEW, certificate: certificateOf(NEW), issuedS: 0 }),
    };
    const options = {
      roomId: ROOM,
      self: ALICE,
      now: () => 0,
      send: () => undefined,
      onCode: () => undefined,
      refuse: () => undefined,
      onDropped: (reason: string) => this.dropped.push(reason),
      onEvent: (event: RoomEvent) => this.#take(event),
      audit: { add: () => undefined },
      identity: { pins },
      proofs,
    };
    // what is not here, answers about codes do not use
    this.#assurance = new Assurance(options as unknown as ConstructorParameters<typeof Assurance>[0]);
  }

  get standings(): readonly (string | undefined)[] {
    return [...this.#peers.values()].map(({ identity }) => identity?.standing);
  }

  /** `presence` null: it has told no name yet. */
  meet(peerId: PeerId, device: Bytes, presence: { readonly name: string } | null = { name: 'Bob' }): void {
    this.#devices.set(peerId, device);
    const identity = { deviceId: toHex(device), standing: 'new' };
    this.#peers.set(peerId, { peerId, identity, presence: presence ?? undefined } as unknown as Peer);
    this.settle();
  }

  refuse(peerId: PeerId, device: Bytes): void {
    const identity = { deviceId: toHex(device), standing: 'revoked' };
    this.#peers.set(peerId, { peerId, identity, isRefused: true } as unknown as Peer);
    this.settle();
  }

  part(peerId: PeerId): void {
    this.#devices.delete(peerId);
    this.#peers.delete(peerId);
    this.settle();
  }

  settle(): void {
    const roster = { epoch: 0, verdict: 'settling' };
    this.#assurance.settled({ phase: 'joined', peers: this.#peers, roster } as unknown as Call);
  }

  compare(peerId: PeerId, comparison: 'match' | 'differ'): Promise<void> {
    return this.#assurance.compared(peerId, comparison);
  }

  rotate(peerId: PeerId): Promise<void> {
    this.#assurance.receive(peerId, { type: 'e2ee_key_rotation', statement: '' });
    return this.#assurance.taken;
  }

  #take(event: RoomEvent): void {
    this.events.push(event);
    if (event.type !== 'peer-compared' && event.type !== 'peer-identified') return;
    const peer = this.#peers.get(event.peerId);
    assert.ok(peer);
    this.#peers.set(event.peerId, stepTrust(peer, event).peer);
    this.settle();
  }
}

function certificateOf(deviceId: Bytes | undefined): unknown {
  return deviceId && { deviceId, hash: deviceId };
}

describe('an answer about codes', () => {
  it('that storage is slow with does not count for a peer that was gone in between, and was found different', async () => {
    const stage = new Stage();
    stage.meet(BOB, OLD);
    const marking = (stage.marking = gate());
    const slow = stage.compare(BOB, 'match');
    stage.part(BOB);
    stage.meet(BOB, OLD);
    const last = stage.compare(BOB, 'differ');
    assert.deepEqual(stage.standings, ['differs']);
    marking.open();
    await Promise.all([slow, last]);
    await turns();
    assert.deepEqual(stage.standings, ['differs']);
    stage.part(BOB);
    stage.meet(CAROL, OLD);
    await turns();
    assert.deepEqual(stage.standings, ['differs'], 'and is so under the next peer id');
  });
});

describe('codes that differ', () => {
  it('are shown when the device comes back, before storage says anything, and before it has a name', async () => {
    const stage = new Stage();
    stage.meet(BOB, OLD);
    await stage.compare(BOB, 'differ');
    stage.part(BOB);
    const looking = (stage.looking = gate());
    stage.meet(CAROL, OLD, null);
    assert.deepEqual(stage.standings, ['differs'], 'without a name');
    stage.part(CAROL);
    stage.meet(CAROL, OLD);
    assert.deepEqual(stage.standings, ['differs'], 'with one');
    looking.fail();
    await turns();
    assert.deepEqual(stage.standings, ['differs'], 'though storage fails');
    assert.deepEqual(stage.dropped, ['pins-failed']);
  });

  it('are told once', async () => {
    const stage = new Stage();
    stage.meet(BOB, OLD);
    await stage.compare(BOB, 'differ');
    stage.settle();
    assert.equal(stage.events.filter(({ type }) => type === 'peer-compared').length, 1);
  });

  it('before a rotation are so under the new keys', async () => {
    const stage = new Stage();
    stage.meet(BOB, OLD);
    await stage.compare(BOB, 'differ');
    await stage.rotate(BOB);
    stage.part(BOB);
    stage.meet(CAROL, NEW);
    assert.deepEqual(stage.standings, ['differs']);
    await stage.compare(CAROL, 'match');
    stage.part(CAROL);
    stage.meet(BOB, NEW);
    await turns();
    assert.deepEqual(stage.standings, ['known'], 'and no more once found equal');
  });

  it('after a rotation are so under the old keys and the new ones, and once found equal under neither', async () => {
    const stage = new Stage();
    stage.meet(BOB, OLD);
    await stage.rotate(BOB);
    await stage.compare(BOB, 'differ');
    for (const device of [OLD, NEW]) {
      stage.meet(CAROL, device);
      assert.deepEqual(stage.standings, ['differs', 'differs']);
    }
    stage.part(CAROL);
    await stage.compare(BOB, 'match');
    for (const device of [OLD, NEW]) {
      stage.meet(CAROL, device);
      assert.deepEqual(stage.standings, ['verified', 'new']);
    }
  });

  for (const outcome of ['open', 'fail'] as const) {
    it(`while storage is busy with a rotation go over with it, if it does then ${outcome}`, async () => {
      const stage = new Stage();
      stage.meet(BOB, OLD);
      const moving = (stage.moving = gate());
      const rotated = stage.rotate(BOB);
      await turns();
      await stage.compare(BOB, 'differ');
      moving[outcome]();
      await rotated;
      stage.part(BOB);
      stage.meet(CAROL, NEW);
      assert.deepEqual(stage.standings, ['differs']);
      await turns();
      assert.deepEqual(stage.marks.at(-1), [toHex(NEW), false], 'nor does a mark that has gone over count');
    });
  }

  it('of a refused peer are told no more', async () => {
    const stage = new Stage();
    stage.meet(BOB, OLD);
    await stage.compare(BOB, 'differ');
    stage.refuse(CAROL, OLD);
    assert.equal(stage.events.filter(({ type }) => type === 'peer-compared').length, 1);
  });
});

describe('statements about keys', () => {
  it('by which who is gone has other keys are forgotten, also where it has never told a name', async () => {
    const stage = new Stage();
    stage.meet(BOB, OLD, null);
    await stage.rotate(BOB);
    stage.part(BOB);
    stage.meet(BOB, OLD);
    await stage.compare(BOB, 'match');
    assert.deepEqual(stage.marks, [[toHex(OLD), true]], 'the keys that it has now');
  });

  it('PN5: are counted for a join, also of who goes and comes back, and of so many peers only', async () => {
    const stage = new Stage();
    stage.meet(BOB, OLD);
    for (let i = 0; i < 8; i++) await stage.rotate(BOB);
    assert.deepEqual(stage.dropped, []);
    stage.part(BOB);
    stage.meet(BOB, OLD);
    await stage.rotate(BOB);
    assert.deepEqual(stage.dropped, ['too-many-statements']);
    for (let i = 0; i < 256; i++) await stage.rotate(`0x${i.toString(16).padStart(32, '0')}` as PeerId);
    await stage.rotate(BOB);
    assert.equal(stage.dropped.length, 1, 'the oldest was forgotten');
  });
});
