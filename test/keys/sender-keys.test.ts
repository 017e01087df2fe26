import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { SenderKeys, keyCommitment } from '../../src/engine/keys/sender-keys.ts';
import { fromBase64Url, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomMessage, SenderKey, SenderKeyMessage } from '../../src/engine/protocol/peer.ts';

const ADA = `0x${'0a'.repeat(16)}` as PeerId;
const BOB = `0x${'0b'.repeat(16)}` as PeerId;
const PRESENCE = { name: '', publications: [] };

type Described = Extract<RoomMessage, { type: 'offer' | 'answer' }>;
const description = (type: 'offer' | 'answer', link: number): Described => ({
  type,
  link,
  round: 1,
  seq: 1,
  sdp: 'v=0',
  presence: PRESENCE,
});

/** One page's keys, and all that comes out of them. */
class Side {
  readonly said: (readonly [PeerId, SenderKeyMessage])[] = [];
  readonly dropped: string[] = [];
  /** What the worker holds of each link that is open. */
  readonly held = new Map<string, { seal: number; sealKey: string; open: Map<number, string> }>();
  nowMs = 0;
  #keys = 0;
  #names = 0;
  readonly keys = new SenderKeys({
    holder: {
      nameLink: () => `link ${(this.#names += 1)}`,
      setSealKey: (link, generation, key) => {
        const held = this.#of(link);
        held.seal = generation;
        held.sealKey = toBase64Url(key);
      },
      addOpenKey: (link, generation, key) => void this.#of(link).open.set(generation, toBase64Url(key)),
      closeLink: (link) => void this.held.delete(link),
    },
    randomKey: () => new Uint8Array(32).fill((this.#keys += 1)),
    now: () => this.nowMs,
    send: (to, message) => void this.said.push([to, message]),
    onDropped: (reason) => void this.dropped.push(reason),
  });

  /** What the worker holds for the only link. */
  get only(): { seal: number; sealKey: string; open: Map<number, string> } {
    const [held] = this.held.values();
    assert.ok(held);
    assert.equal(this.held.size, 1);
    return held;
  }

  #of(link: string): { seal: number; sealKey: string; open: Map<number, string> } {
    const held = this.held.get(link) ?? { seal: -1, sealKey: '', open: new Map() };
    this.held.set(link, held);
    return held;
  }
}

function dressed(side: Side, to: PeerId, message: Described): Described & { readonly senderKey: SenderKey } {
  const result = side.keys.dress(to, message);
  assert.ok(result && 'senderKey' in result && result.senderKey);
  return result as Described & { readonly senderKey: SenderKey };
}

describe('sender keys', () => {
  let ada: Side;
  let bob: Side;
  beforeEach(() => {
    ada = new Side();
    bob = new Side();
  });

  /** Everything that one has said to the other arrives. */
  function deliver(from: Side, to: Side, name: PeerId): void {
    for (const [, message] of from.said.splice(0)) to.keys.receive(name, message);
  }

  /** Ada offers, Bob answers. */
  function exchange(link = 1): void {
    ada.keys.open(BOB, link);
    bob.keys.undress(ADA, dressed(ada, BOB, description('offer', link)));
    bob.keys.open(ADA, link);
    ada.keys.undress(BOB, dressed(bob, ADA, description('answer', link)));
  }

  function assertAgreed(): void {
    assert.equal(bob.only.open.get(ada.only.seal), ada.only.sealKey);
    assert.equal(ada.only.open.get(bob.only.seal), bob.only.sealKey);
  }

  it('SK2: go with offer and answer, so that both can open before anything is sent', () => {
    exchange();
    assertAgreed();
    assert.notEqual(ada.only.sealKey, '');
    assert.deepEqual([ada.said, bob.said], [[], []]);
  });

  it('SK2: what the room gets holds no key; other messages stay as they are', () => {
    ada.keys.open(BOB, 1);
    const offer = dressed(ada, BOB, description('offer', 1));
    assert.deepEqual(bob.keys.undress(ADA, offer), description('offer', 1));
    const leave: RoomMessage = { type: 'leave' };
    assert.equal(ada.keys.dress(BOB, leave), leave);
    assert.equal(ada.keys.undress(BOB, leave), leave);
    assert.deepEqual(bob.keys.undress(ADA, description('offer', 1)), description('offer', 1), 'without a key');
  });

  it('SK2: nothing is said about a link that is not open any more', () => {
    assert.equal(ada.keys.dress(BOB, description('offer', 1)), undefined);
    ada.keys.open(BOB, 2);
    ada.keys.close(BOB, 2);
    assert.equal(ada.keys.dress(BOB, description('answer', 2)), undefined);
  });

  it('SK1: every link has keys of its own, and no generation serves twice', () => {
    exchange(1);
    const first = { ...ada.only };
    ada.keys.close(BOB, 1);
    bob.keys.close(ADA, 1);
    assert.equal(ada.held.size + bob.held.size, 0);
    exchange(2);
    assertAgreed();
    assert.ok(ada.only.seal > first.seal);
    assert.notEqual(ada.only.sealKey, first.sealKey);
  });

  it('SK1: a link that is closed and opened again by the offer that closed it has the key of that offer', () => {
    exchange(1);
    // a first offer has met ours: the link begins anew under its number (PM9)
    const again = new Side();
    again.keys.open(BOB, 1);
    const offer = dressed(again, BOB, description('offer', 1));
    const renewed = { ...offer, senderKey: { ...offer.senderKey, generation: 9 } };
    bob.keys.undress(ADA, renewed);
    bob.keys.close(ADA, 1);
    assert.equal(bob.held.size, 0);
    bob.keys.open(ADA, 1);
    assert.equal(bob.only.open.get(9), renewed.senderKey.key);
  });

  it('SK1: a link that is opened by the offer that closes the one before has the key of that offer', () => {
    exchange(1);
    const again = new Side();
    again.keys.open(BOB, 2);
    const offer = dressed(again, BOB, description('offer', 2));
    bob.keys.undress(ADA, offer);
    bob.keys.close(ADA, 1);
    bob.keys.open(ADA, 2);
    assert.equal(bob.only.open.get(offer.senderKey.generation), offer.senderKey.key);
  });

  it('SK3: a new key is told, taken in and answered before anything is sealed under it', () => {
    exchange();
    const before = ada.only.seal;
    ada.keys.rotate(4);
    assert.equal(ada.only.seal, before);
    const [[to, message] = []] = ada.said;
    assert.ok(to === BOB && message?.type === 'e2ee_sender_key');
    assert.equal(message.epoch, 4);
    deliver(ada, bob, ADA);
    assert.equal(bob.only.open.get(message.generation), message.key, 'it can open it already');
    assert.equal(ada.only.seal, before, 'and nothing is sealed under it yet');
    deliver(bob, ada, BOB);
    assert.equal(ada.only.seal, message.generation);
    assertAgreed();
  });

  it('SK3: whoever does not answer in time is waited for no longer', () => {
    exchange();
    ada.keys.rotate(1);
    const [[, message] = []] = ada.said;
    assert.ok(message);
    ada.nowMs += 9_999;
    ada.keys.switchOverdue(10_000);
    assert.ok(ada.only.seal < message.generation, 'not yet');
    ada.nowMs += 1;
    ada.keys.switchOverdue(10_000);
    assert.equal(ada.only.seal, message.generation);
    const now = ada.only.seal;
    ada.keys.switchOverdue(10_000);
    assert.equal(ada.only.seal, now, 'once');
    deliver(ada, bob, ADA);
    deliver(bob, ada, BOB);
    assertAgreed();
  });

  it('SK3: of many new keys that are wanted at once one is on its way, and one comes after it', () => {
    exchange();
    const first = { ...ada.only };
    for (let epoch = 1; epoch < 10; epoch++) ada.keys.rotate(epoch);
    const [[, message] = [], ...more] = ada.said;
    assert.ok(message?.type === 'e2ee_sender_key');
    assert.deepEqual(more, []);
    deliver(ada, bob, ADA);
    assert.equal(bob.only.open.get(first.seal), first.sealKey, 'what is sealed meanwhile still opens');
    deliver(bob, ada, BOB);
    assert.equal(ada.only.seal, message.generation);
    const [[, last] = [], ...none] = ada.said;
    assert.ok(last?.type === 'e2ee_sender_key');
    assert.deepEqual([last.epoch, none], [9, []]);
    deliver(ada, bob, ADA);
    deliver(bob, ada, BOB);
    assert.equal(ada.only.seal, last.generation);
    assert.deepEqual(ada.said, []);
    assertAgreed();
  });

  it('SK5: who asks while a new key is on its way is told that one again', () => {
    exchange();
    ada.keys.rotate(1);
    const [[, told] = []] = ada.said.splice(0);
    bob.keys.ask(ADA, 1);
    deliver(bob, ada, BOB);
    const [[, again] = [], ...none] = ada.said;
    assert.ok(told?.type === 'e2ee_sender_key' && again?.type === 'e2ee_sender_key');
    assert.deepEqual([again.generation, again.key, none], [told.generation, told.key, []]);
    deliver(ada, bob, ADA);
    deliver(bob, ada, BOB);
    assert.equal(ada.only.seal, told.generation);
    assertAgreed();
  });

  it('SK3: an answer to a key that is not on its way is none', () => {
    exchange();
    ada.keys.rotate(1);
    const [[, told] = []] = ada.said;
    const before = ada.only.seal;
    assert.ok(told);
    for (const generation of [told.generation - 1, told.generation + 1]) {
      ada.keys.receive(BOB, { type: 'e2ee_sender_key_ack', link: 1, generation, isAsking: false });
      assert.equal(ada.only.seal, before);
    }
  });

  it('SK3: who is told keys without end answers some, and not the flood', () => {
    exchange();
    ada.keys.rotate(1);
    const [[, told] = []] = ada.said;
    assert.ok(told);
    for (let i = 0; i < 100; i++) bob.keys.receive(ADA, told);
    const answers = bob.said.length;
    assert.ok(answers >= 4 && answers <= 20, `${answers} answers`);
    assert.equal(bob.dropped.filter((reason) => reason === 'rate-limited').length, 100 - answers);
    bob.nowMs += 500;
    bob.keys.receive(ADA, told);
    assert.equal(bob.said.length, answers + 1);
  });

  it('SK3: what was sealed under before is overwritten once the new key is in use', () => {
    const made: Bytes[] = [];
    const keys = new SenderKeys({
      holder: { nameLink: () => 'a', setSealKey: () => {}, addOpenKey: () => {}, closeLink: () => {} },
      randomKey: () => {
        const key = new Uint8Array(32).fill(made.length + 1);
        made.push(key);
        return key;
      },
      now: () => 0,
      send: () => {},
      onDropped: () => {},
    });
    keys.open(BOB, 1);
    keys.dress(BOB, description('answer', 1));
    keys.rotate(1);
    keys.switchOverdue(0);
    assert.ok(made[0]?.every((byte) => byte === 0));
    assert.ok(made[1]?.every((byte) => byte === 2));
  });

  it('SK2: only an offer opens a link, and none below the one that is open', () => {
    const key = { generation: 9, key: toBase64Url(new Uint8Array(32).fill(9)) };
    ada.keys.undress(BOB, { ...description('answer', 3), senderKey: key } as RoomMessage);
    ada.keys.open(BOB, 3);
    assert.equal(ada.only.open.size, 0, 'an answer to nothing');
    ada.keys.undress(BOB, { ...description('offer', 5), senderKey: key } as RoomMessage);
    ada.keys.undress(BOB, { ...description('offer', 2), senderKey: key } as RoomMessage);
    ada.keys.close(BOB, 3);
    ada.keys.open(BOB, 5);
    assert.deepEqual([...ada.only.open.keys()], [9], 'the one that waited is still there');
  });

  it('FO1: a standby is opened beside the first link, whatever their numbers; each kind keeps its own that waits', () => {
    const key = (generation: number): SenderKey => ({
      generation,
      key: toBase64Url(new Uint8Array(32).fill(generation)),
    });
    const standby = 2 ** 31 + 1;
    const offers = (link: number, generation: number): void =>
      void ada.keys.undress(BOB, { ...description('offer', link), senderKey: key(generation) } as RoomMessage);
    ada.keys.open(BOB, 3);
    offers(standby, 1);
    offers(standby - 1, 2);
    offers(5, 3);
    ada.keys.open(BOB, standby - 1);
    offers(standby - 1, 4);
    ada.keys.open(BOB, 5);
    const opens = [...ada.held.values()].map(({ open }) => [...open.keys()]);
    assert.deepEqual(opens, [[], [2, 4], [3]]);
    ada.keys.close(BOB, 3);
    assert.equal(ada.held.size, 2);
  });

  it('SK3: a link whose first exchange is not over keeps the key that it has told', () => {
    ada.keys.open(BOB, 1);
    const { generation } = dressed(ada, BOB, description('offer', 1)).senderKey;
    ada.keys.rotate(1);
    assert.deepEqual(ada.said, []);
    assert.equal(ada.only.seal, generation);
  });

  it('SK3: a key that does not fit its commitment is dropped', () => {
    exchange();
    ada.keys.rotate(1);
    const [[, message] = []] = ada.said;
    assert.ok(message?.type === 'e2ee_sender_key');
    bob.keys.receive(ADA, { ...message, key: toBase64Url(new Uint8Array(32)) });
    bob.keys.receive(ADA, { ...message, generation: message.generation + 1 });
    assert.deepEqual(bob.dropped, ['bad-key', 'bad-key']);
    assert.deepEqual(bob.said, []);
  });

  it('SK3: a generation serves once: neither another key under its number, nor an older one', () => {
    exchange();
    const { seal } = ada.only;
    const key: Bytes = new Uint8Array(32).fill(99);
    const lie = (generation: number): SenderKeyMessage => ({
      type: 'e2ee_sender_key',
      link: 1,
      generation,
      key: toBase64Url(key),
      commitment: toBase64Url(keyCommitment(generation, key)),
      epoch: 0,
    });
    bob.keys.receive(ADA, lie(seal));
    bob.keys.receive(ADA, lie(seal - 1));
    assert.deepEqual(bob.dropped, ['stale-key', 'stale-key']);
    assert.equal(bob.only.open.get(seal), ada.only.sealKey);
  });

  it('SK2: an offer that restarts the connection brings the same key again, which changes nothing', () => {
    exchange();
    bob.keys.undress(ADA, dressed(ada, BOB, description('offer', 1)));
    assert.deepEqual(bob.dropped, []);
    assertAgreed();
  });

  it('SK5: who cannot open asks, and gets a fresh key; who asks all the time does not', () => {
    exchange();
    const before = ada.only.seal;
    bob.keys.ask(ADA, 1);
    deliver(bob, ada, BOB);
    deliver(ada, bob, ADA);
    deliver(bob, ada, BOB);
    assert.ok(ada.only.seal > before);
    assertAgreed();
    for (let i = 0; i < 10; i++) bob.keys.ask(ADA, 1);
    deliver(bob, ada, BOB);
    assert.equal(ada.said.length, 3, 'four at once, one of them was spent');
    assert.equal(ada.dropped.filter((reason) => reason === 'rate-limited').length, 7);
    ada.said.length = 0;
    ada.nowMs = 5_000;
    bob.keys.ask(ADA, 1);
    deliver(bob, ada, BOB);
    assert.equal(ada.said.length, 1);
  });

  it('SK5: nobody asks, and nobody is answered, before the first exchange is over', () => {
    bob.keys.ask(ADA, 1);
    ada.keys.open(BOB, 1);
    bob.keys.open(ADA, 1);
    bob.keys.ask(ADA, 1);
    assert.deepEqual(bob.said, []);
    ada.keys.receive(BOB, { type: 'e2ee_sender_key_ack', link: 1, generation: 0, isAsking: true });
    assert.deepEqual([ada.said, ada.dropped], [[], ['rate-limited']]);
  });

  it('SK1: what is said of a link that there is not is dropped', () => {
    exchange(2);
    bob.keys.receive(ADA, { type: 'e2ee_sender_key_ack', link: 1, generation: 1, isAsking: true });
    assert.deepEqual(bob.dropped, ['stale-link']);
    bob.keys.close(ADA, 7);
    assert.equal(bob.held.size, 1);
  });

  it('of each peer keeps the newest four keys', () => {
    exchange();
    for (let i = 0; i < 6; i++) {
      ada.keys.rotate(i);
      deliver(ada, bob, ADA);
      deliver(bob, ada, BOB);
    }
    bob.keys.close(ADA, 1);
    bob.keys.open(ADA, 1);
    assert.equal(bob.only.open.size, 4);
    assert.equal(bob.only.open.get(ada.only.seal), ada.only.sealKey);
  });

  it('one who offers under ever new numbers costs one link', () => {
    exchange(1);
    ada.keys.close(BOB, 1);
    for (let link = 2; link < 50; link++) {
      ada.keys.open(BOB, link);
      bob.keys.undress(ADA, dressed(ada, BOB, description('offer', link)));
      ada.keys.close(BOB, link);
    }
    assert.equal(bob.held.size, 1, 'the one that is open goes on');
    bob.keys.receive(ADA, { type: 'e2ee_sender_key_ack', link: 48, generation: 0, isAsking: false });
    assert.deepEqual(bob.dropped, ['stale-link'], 'only the last of the others is kept');
    bob.keys.receive(ADA, { type: 'e2ee_sender_key_ack', link: 49, generation: 0, isAsking: false });
    assert.equal(bob.dropped.length, 1);
  });

  it('of more peers than any room has, takes no keys', () => {
    for (let i = 0; i < 128; i++) ada.keys.open(`0x${i.toString(16).padStart(32, '0')}` as PeerId, 1);
    assert.equal(ada.keys.open(BOB, 1), undefined);
    ada.keys.undress(BOB, {
      ...description('offer', 1),
      senderKey: { generation: 1, key: 'A'.repeat(43) },
    } as RoomMessage);
    assert.deepEqual(ada.dropped, ['too-many-peers', 'too-many-peers']);
    assert.equal(ada.held.size, 128);
  });

  it('of peers that are gone keeps nothing', () => {
    exchange();
    bob.keys.undress(ADA, {
      ...description('offer', 5),
      senderKey: { generation: 7, key: 'A'.repeat(43) },
    } as RoomMessage);
    bob.keys.keepOnly(new Set([ADA]));
    assert.equal(bob.held.size, 1);
    bob.keys.keepOnly(new Set());
    assert.equal(bob.held.size, 0);
    bob.keys.rotate(1);
    assert.deepEqual(bob.said, []);
  });

  it('commits to generation and key together', () => {
    const key: Bytes = new Uint8Array(32).fill(1);
    assert.notDeepEqual(keyCommitment(1, key), keyCommitment(2, key));
    assert.equal(fromBase64Url(toBase64Url(keyCommitment(1, key)))?.length, 32);
  });
});
