/** PM13, PM14: what must arrive does, once and in order, and nobody has to keep more than a little for it. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import {
  ACKS_BURST,
  Deliveries,
  IN_FLIGHT_MAX,
  REPEATS_BURST,
  REPEATS_PER_S,
  REPEAT_MAX_MS,
  REPEAT_MS,
  UNACKNOWLEDGED_MAX,
  UNACKNOWLEDGED_MAX_CHARS,
} from '../../src/engine/deliveries.ts';
import type { Delivery } from '../../src/engine/protocol/delivery.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, peerIdOf } from '../helpers/samples.ts';

const ANYBODY = (): boolean => true;

let now_ms: number;
let ours: Deliveries<string>;
let theirs: Deliveries<string>;

beforeEach(() => {
  now_ms = 0;
  ours = make();
  theirs = make();
});

function make(): Deliveries<string> {
  return new Deliveries(
    () => now_ms,
    (message) => message.length,
  );
}

/** Says it for the first time; what goes with it. */
function say(message: string, to: PeerId = BOB): Delivery {
  const added = ours.add(to, message);
  assert.ok(added);
  return fieldsOf(added.id, to);
}

function fieldsOf(id: number, to: PeerId = BOB): Delivery {
  const fields = ours.fieldsFor(to, id);
  assert.ok(fields);
  return fields;
}

/** Their acknowledgement arrives here. */
function acknowledge(): void {
  const fields = theirs.fieldsFor(ALICE);
  assert.ok(fields?.ack !== undefined);
  theirs.carried(ALICE, fields);
  ours.receive(BOB, fields, 'ack');
}

describe('PM13: a message that wants to be acknowledged', () => {
  it('is numbered, taken once, and acknowledged with whatever is said next', () => {
    const first = say('one');
    assert.deepEqual(first, { id: 1, after: 0 });
    assert.deepEqual(theirs.receive(ALICE, first, 'one'), ['one']);
    assert.deepEqual(theirs.receive(ALICE, first, 'one'), []);
    assert.deepEqual(theirs.fieldsFor(ALICE), { ack: 1 });
    acknowledge();
    assert.deepEqual([ours.unacknowledged(BOB), theirs.fieldsFor(ALICE), theirs.owed()], [0, {}, []]);
  });

  it('that comes before the one it follows waits for it', () => {
    const [one, two, three] = [say('one'), say('two'), say('three')];
    assert.deepEqual(
      [one, two, three].map(({ after }) => after),
      [0, 1, 2],
    );
    assert.deepEqual(theirs.receive(ALICE, three, 'three'), []);
    assert.deepEqual(theirs.receive(ALICE, two, 'two'), []);
    assert.deepEqual(theirs.fieldsFor(ALICE), {}, 'nothing has been taken');
    assert.deepEqual(theirs.receive(ALICE, one, 'one'), ['one', 'two', 'three']);
    acknowledge();
    assert.equal(ours.unacknowledged(BOB), 0);
  });

  it('has numbers of one row for all peers, and follows only what that peer was told', () => {
    say('to bob');
    assert.deepEqual(say('to carol', CAROL), { id: 2, after: 0 });
    assert.deepEqual(say('again to bob'), { id: 3, after: 1 });
  });

  it('is acknowledged by a later number too, and not by another peer', () => {
    say('one');
    say('two');
    ours.receive(CAROL, { ack: 2 }, 'ack');
    assert.equal(ours.unacknowledged(BOB), 2);
    ours.receive(BOB, { ack: 2 }, 'ack');
    assert.equal(ours.unacknowledged(BOB), 0);
    assert.equal(ours.fieldsFor(BOB, 1), undefined, 'it is not said any more');
  });

  it('is taken by who has forgotten what came before', () => {
    for (const message of ['one', 'two']) theirs.receive(ALICE, say(message), message);
    acknowledge();
    assert.deepEqual(make().receive(ALICE, say('three'), 'three'), ['three']);
  });

  it('is nothing to a message that wants none: that is always taken', () => {
    assert.deepEqual(theirs.receive(ALICE, {}, 'x'), ['x']);
    assert.deepEqual(theirs.receive(ALICE, {}, 'x'), ['x']);
    assert.deepEqual(theirs.owed(), []);
  });
});

describe('PM14: it is said again', () => {
  it('after two seconds, then after twice as long, up to half a minute', () => {
    say('one');
    const waits: number[] = [];
    for (let last_ms = 0; waits.length < 7;) {
      now_ms += 500;
      if (ours.due(ANYBODY).length === 0) continue;
      waits.push(now_ms - last_ms);
      last_ms = now_ms;
    }
    assert.deepEqual(waits, [REPEAT_MS, 4_000, 8_000, 16_000, REPEAT_MAX_MS, REPEAT_MAX_MS, REPEAT_MAX_MS]);
  });

  it('at once where something may have been lost', () => {
    say('one');
    assert.deepEqual(ours.due(ANYBODY), []);
    ours.hasten();
    assert.deepEqual(ours.due(ANYBODY), [{ to: BOB, id: 1, message: 'one' }]);
    assert.deepEqual(ours.due(ANYBODY), []);
  });

  it('not to a peer that cannot hear, nor to one that is gone', () => {
    say('one');
    ours.hasten();
    assert.deepEqual(
      ours.due(() => false),
      [],
    );
    assert.equal(ours.due(ANYBODY).length, 1);
    ours.keepOnly(new Set([CAROL]));
    ours.hasten();
    assert.deepEqual([ours.due(ANYBODY), ours.unacknowledged(BOB)], [[], 0]);
    assert.deepEqual(say('later'), { id: 2, after: 0 }, 'numbers go on');
  });

  it('five times a second and ten at once, to all peers together: far less than the relay takes', () => {
    for (let i = 0; i < 60; i++) say('x', peerIdOf(i));
    let said = 0;
    for (; now_ms <= 20_000; now_ms += 100) {
      ours.hasten();
      said += ours.due(ANYBODY).length;
    }
    assert.equal(said, REPEATS_BURST + 20 * REPEATS_PER_S);
  });

  it('the oldest first, so that nobody is passed over', () => {
    for (let i = 0; i < 12; i++) say(`${i}`, i % 2 ? CAROL : BOB);
    ours.hasten();
    assert.deepEqual(
      ours.due(ANYBODY).map(({ id }) => id),
      Array.from({ length: REPEATS_BURST }, (_, i) => i + 1),
    );
    now_ms += 1_000;
    assert.deepEqual(
      ours.due(ANYBODY).map(({ id }) => id),
      [11, 12],
    );
  });
});

describe('PM14: what is kept', () => {
  it('is 64 messages of a peer, 16 of them on their way', () => {
    const dues: boolean[] = [];
    for (let i = 0; i < UNACKNOWLEDGED_MAX; i++) dues.push(ours.add(BOB, 'x')?.isDue ?? false);
    assert.equal(dues.indexOf(false), IN_FLIGHT_MAX);
    assert.equal(ours.add(BOB, 'x'), undefined);
    assert.ok(ours.add(CAROL, 'x'));
    ours.receive(BOB, { ack: IN_FLIGHT_MAX }, 'ack');
    const ids: number[] = [];
    for (; now_ms < 3_000; now_ms += 100) for (const { to, id } of ours.due(ANYBODY)) if (to === BOB) ids.push(id);
    assert.deepEqual(
      ids.slice(0, IN_FLIGHT_MAX),
      Array.from({ length: IN_FLIGHT_MAX }, (_, i) => IN_FLIGHT_MAX + 1 + i),
    );
  });

  it('is 256 KiB of a peer', () => {
    const message = 'x'.repeat(UNACKNOWLEDGED_MAX_CHARS / 4);
    for (let i = 0; i < 4; i++) assert.ok(ours.add(BOB, message));
    assert.equal(ours.add(BOB, 'x'), undefined);
  });

  it('is 16 messages that came too early; the rest comes again', () => {
    say('first');
    const early = Array.from({ length: IN_FLIGHT_MAX + 4 }, (_, i) => ({ id: i + 2, after: i + 1 }));
    for (const fields of early) theirs.receive(ALICE, fields, `${fields.id}`);
    const taken = theirs.receive(ALICE, { id: 1, after: 0 }, 'first');
    assert.equal(taken.length, 1 + IN_FLIGHT_MAX);
    assert.deepEqual(theirs.fieldsFor(ALICE), { ack: 1 + IN_FLIGHT_MAX });
  });

  it('of a peer that is gone is what came last, and nothing that came too early', () => {
    theirs.receive(ALICE, { id: 1, after: 0 }, 'one');
    theirs.receive(ALICE, { id: 3, after: 2 }, 'three');
    theirs.keepOnly(new Set());
    assert.deepEqual(theirs.receive(ALICE, { id: 1, after: 0 }, 'one'), []);
    assert.deepEqual(theirs.receive(ALICE, { id: 2, after: 1 }, 'two'), ['two']);
  });

  it('acknowledgements of their own: ten at once, and the others later', () => {
    for (let i = 0; i < ACKS_BURST + 3; i++) theirs.receive(peerIdOf(i), { id: 1, after: 0 }, 'x');
    const told = theirs.owed();
    assert.equal(told.length, ACKS_BURST);
    for (const to of told) theirs.carried(to, theirs.fieldsFor(to) ?? {});
    now_ms += 1_000;
    assert.equal(theirs.owed().length, 3);
  });
});

/** Three peers, and wires that lose, double and swap. Everybody says numbers to everybody. */
function play(seed: number): { readonly said: number; readonly carried: number } {
  const random = new Random(seed);
  const names = [ALICE, BOB, CAROL];
  const all = new Map(names.map((name) => [name, make()]));
  const taken = new Map<string, number[]>();
  const wires: { from: PeerId; to: PeerId; fields: Delivery; message: string }[] = [];
  let said = 0;
  let carried = 0;
  const of = (name: PeerId): Deliveries<string> => all.get(name) as Deliveries<string>;
  const send = (from: PeerId, to: PeerId, message: string, id?: number): void => {
    const fields = of(from).fieldsFor(to, id);
    if (!fields) return;
    of(from).carried(to, fields);
    carried++;
    if (random.chance(0.3)) return;
    wires.push({ from, to, fields, message });
    if (random.chance(0.2)) wires.push({ from, to, fields, message });
  };
  const sent = new Map<string, number>();
  const isDone = (): boolean => [...sent].every(([pair, count]) => taken.get(pair)?.length === count);
  for (let turn = 0; turn < 400 || !isDone(); turn++) {
    assert.ok(turn < 20_000, 'something never arrives');
    now_ms += random.below(200);
    const from = random.pick(names);
    if (turn < 400 && random.chance(0.4)) {
      const to = random.pick(names.filter((name) => name !== from));
      const pair = `${from} ${to}`;
      const number = (sent.get(pair) ?? 0) + 1;
      const added = of(from).add(to, String(number));
      if (added) {
        sent.set(pair, number);
        said++;
        if (added.isDue) send(from, to, String(number), added.id);
      }
    }
    if (random.chance(0.02)) of(from).hasten();
    for (const { to, id, message } of of(from).due(ANYBODY)) send(from, to, message, id);
    for (const to of of(from).owed()) send(from, to, 'ack');
    while (wires.length > 0 && random.chance(0.7)) {
      const [wire] = wires.splice(random.below(wires.length), 1);
      if (!wire) break;
      for (const message of of(wire.to).receive(wire.from, wire.fields, wire.message)) {
        if (message === 'ack') continue;
        const pair = `${wire.from} ${wire.to}`;
        taken.set(pair, [...(taken.get(pair) ?? []), Number(message)]);
      }
    }
  }
  for (const [pair, count] of sent) {
    assert.deepEqual(
      taken.get(pair),
      Array.from({ length: count }, (_, i) => i + 1),
      pair,
    );
  }
  return { said, carried };
}

describe('PM13, PM14: over wires that lose, double and swap', () => {
  it('fuzz: everything arrives, once and in order', () => {
    let said = 0;
    let carried = 0;
    for (let seed = 1; seed <= 60; seed++) {
      now_ms = 0;
      try {
        const played = play(seed);
        said += played.said;
        carried += played.carried;
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    assert.ok(said > 60 * 80 && carried > said * 1.3, `${said} said, ${carried} carried: the fuzz reaches too little`);
  });
});
