import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commitment, roomCode } from '../../src/engine/crypto/room-code.ts';
import { EARLY_MAX, ROUNDS_MAX, RoomCodeRounds } from '../../src/engine/keys/room-code-round.ts';
import type { Outgoing } from '../../src/engine/keys/room-code-round.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { CodeMessage } from '../../src/engine/protocol/code-message.ts';
import { peerIdFromBytes } from '../../src/engine/protocol/ids.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, peerIdOf } from '../helpers/samples.ts';
import { CodeRoom, hashOf, isOfType, spoken } from './code-room.ts';

const MALLORY = peerIdOf(0x3a);
const nonceOf = (byte: number): Bytes => new Uint8Array(32).fill(byte);

function commitOf(from: PeerId, members: readonly PeerId[], nonce: Bytes, isAsking = false): CodeMessage {
  const hash = hashOf(members);
  const own = toBase64Url(commitment(hash, from, nonce));
  return { type: 'code-commit', roster: toBase64Url(hash), commitment: own, isAsking };
}

function revealOf(members: readonly PeerId[], nonce: Bytes): CodeMessage {
  return { type: 'code-reveal', roster: toBase64Url(hashOf(members)), nonce: toBase64Url(nonce) };
}

/** Alice, whose nonces are all ones, then all twos, … */
function alice(): RoomCodeRounds {
  let calls = 0;
  return new RoomCodeRounds(ALICE, () => nonceOf(++calls));
}

function told(out: readonly Outgoing[]): readonly string[] {
  return out.map(({ to, message }) => {
    const name = to === BOB ? 'Bob' : to === CAROL ? 'Carol' : 'Mallory';
    return `${message.type}${message.type === 'code-commit' && message.isAsking ? '?' : ''} → ${name}`;
  });
}

const TWO = [ALICE, BOB];
const THREE = [ALICE, BOB, CAROL];

describe('RC1: a round of two', () => {
  it('commits, then reveals, then has the code that both nonces make', () => {
    const rounds = alice();
    assert.deepEqual(rounds.setRoster(hashOf(TWO), TWO), [{ to: BOB, message: commitOf(ALICE, TWO, nonceOf(1)) }]);
    assert.equal(rounds.code, undefined);
    const committed = rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(7)));
    assert.deepEqual(committed, { out: [{ to: BOB, message: revealOf(TWO, nonceOf(1)) }] });
    assert.equal(rounds.code, undefined);
    assert.deepEqual(rounds.receive(BOB, revealOf(TWO, nonceOf(7))), { out: [] });
    const nonces = new Map([
      [ALICE, nonceOf(1)],
      [BOB, nonceOf(7)],
    ]);
    assert.deepEqual(rounds.code, roomCode(hashOf(TWO), nonces));
    assert.equal(rounds.code, rounds.code, 'and it is the same object as long as it stands');
  });

  it('has no code for somebody who is alone, and none left from before', () => {
    const rounds = alice();
    assert.equal(rounds.code, undefined);
    assert.deepEqual(rounds.ask(), []);
    assert.deepEqual(rounds.setRoster(hashOf([ALICE]), [ALICE]), []);
    assert.deepEqual(rounds.ask(), []);
    assert.equal(rounds.code, undefined);
    rounds.setRoster(hashOf(TWO), TWO);
    rounds.receive(BOB, revealOf(TWO, nonceOf(7)));
    assert.notEqual(rounds.code, undefined);
    assert.deepEqual(rounds.setRoster(hashOf([ALICE]), []), []);
    assert.equal(rounds.code, undefined);
  });

  it('says nothing again for the roster that it has', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(TWO), TWO);
    assert.deepEqual(rounds.setRoster(hashOf(TWO), TWO), []);
  });

  it('takes a nonce that has overtaken its commitment for both', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(TWO), TWO);
    assert.deepEqual(told(rounds.receive(BOB, revealOf(TWO, nonceOf(7))).out), ['code-reveal → Bob']);
    const code = spoken(rounds.code);
    assert.notEqual(code, undefined);
    assert.deepEqual(rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(7))), { out: [] });
    const fault = { peerId: BOB, reason: 'changed-commitment' };
    assert.deepEqual(rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(8))), { out: [], fault });
    assert.equal(spoken(rounds.code), code);
  });
});

describe('RC2: a lost message', () => {
  it('is asked for, of those whose part is missing and of nobody else', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(THREE), THREE);
    assert.deepEqual(told(rounds.ask()), ['code-commit? → Bob', 'code-commit? → Carol']);
    rounds.receive(BOB, commitOf(BOB, THREE, nonceOf(7)));
    assert.deepEqual(told(rounds.ask()), ['code-commit? → Bob', 'code-commit? → Carol']);
    rounds.receive(BOB, revealOf(THREE, nonceOf(7)));
    assert.deepEqual(told(rounds.ask()), ['code-commit? → Carol']);
    rounds.receive(CAROL, revealOf(THREE, nonceOf(8)));
    assert.deepEqual(rounds.ask(), []);
  });

  it('is told again: the commitment, and the nonce once that is out', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(THREE), THREE);
    const asked = commitOf(BOB, THREE, nonceOf(7), true);
    assert.deepEqual(told(rounds.receive(BOB, asked).out), ['code-commit → Bob']);
    const last = rounds.receive(CAROL, commitOf(CAROL, THREE, nonceOf(8), true));
    assert.deepEqual(told(last.out), ['code-commit → Carol', 'code-reveal → Bob', 'code-reveal → Carol']);
    assert.deepEqual(rounds.receive(BOB, asked).out, [
      { to: BOB, message: commitOf(ALICE, THREE, nonceOf(1)) },
      { to: BOB, message: revealOf(THREE, nonceOf(1)) },
    ]);
  });

  it('is not told again to who asks with another commitment', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(TWO), TWO);
    rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(7)));
    const fault = { peerId: BOB, reason: 'changed-commitment' };
    assert.deepEqual(rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(8), true)), { out: [], fault });
  });
});

describe('RC1: a roster that comes or goes', () => {
  it('is kept for: who is ahead of us is heard once we are there', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(TWO), TWO);
    assert.deepEqual(rounds.receive(BOB, commitOf(BOB, THREE, nonceOf(7), true)), { out: [] });
    assert.deepEqual(rounds.receive(CAROL, commitOf(CAROL, THREE, nonceOf(8))), { out: [] });
    assert.deepEqual(told(rounds.setRoster(hashOf(THREE), THREE)), [
      'code-commit → Bob',
      'code-commit → Carol',
      'code-reveal → Bob',
      'code-reveal → Carol',
    ]);
  });

  it('is kept for with one message a peer, the last', () => {
    const rounds = alice();
    rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(7)));
    rounds.receive(BOB, commitOf(BOB, THREE, nonceOf(8)));
    assert.deepEqual(told(rounds.setRoster(hashOf(TWO), TWO)), ['code-commit → Bob']);
    assert.deepEqual(rounds.receive(CAROL, commitOf(CAROL, THREE, nonceOf(9))), { out: [] });
    assert.equal(told(rounds.setRoster(hashOf(THREE), THREE)).length, 4);
  });

  it('is not kept for by a nonce, nor by somebody who is not in it', () => {
    const rounds = alice();
    assert.deepEqual(rounds.receive(BOB, revealOf(TWO, nonceOf(7))), { out: [] });
    assert.deepEqual(rounds.receive(MALLORY, commitOf(MALLORY, TWO, nonceOf(7))), { out: [] });
    assert.deepEqual(told(rounds.setRoster(hashOf(TWO), TWO)), ['code-commit → Bob']);
    const fault = { peerId: MALLORY, reason: 'not-a-member' };
    assert.deepEqual(rounds.receive(MALLORY, commitOf(MALLORY, TWO, nonceOf(7), true)), { out: [], fault });
    assert.deepEqual(rounds.receive(MALLORY, revealOf(TWO, nonceOf(7))), { out: [], fault });
    assert.deepEqual(rounds.receive(ALICE, commitOf(ALICE, TWO, nonceOf(1))).fault?.reason, 'not-a-member');
  });

  it('is kept for by so many peers at most, and the oldest message goes first', () => {
    const strangers = Array.from({ length: EARLY_MAX }, (_, i) => {
      const bytes = new Uint8Array(16).fill(0xee);
      return peerIdFromBytes(bytes.with(0, i))!;
    });
    for (const [count, isHeard] of [
      [EARLY_MAX - 1, true],
      [EARLY_MAX, false],
    ] as const) {
      const rounds = alice();
      rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(7)));
      for (const peerId of strangers.slice(0, count)) rounds.receive(peerId, commitOf(peerId, THREE, nonceOf(1)));
      assert.equal(told(rounds.setRoster(hashOf(TWO), TWO)).includes('code-reveal → Bob'), isHeard, `${count}`);
    }
    const rounds = alice();
    rounds.receive(BOB, commitOf(BOB, THREE, nonceOf(7)));
    for (const peerId of strangers.slice(1)) rounds.receive(peerId, commitOf(peerId, THREE, nonceOf(1)));
    // who speaks again is the newest
    rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(7)));
    rounds.receive(strangers[0]!, commitOf(strangers[0]!, THREE, nonceOf(1)));
    assert.ok(told(rounds.setRoster(hashOf(TWO), TWO)).includes('code-reveal → Bob'));
  });

  it('has its nonce and its code again, and a finished one costs no message', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(TWO), TWO);
    rounds.receive(BOB, revealOf(TWO, nonceOf(7)));
    const code = rounds.code;
    rounds.setRoster(hashOf(THREE), THREE);
    assert.equal(rounds.code, undefined);
    assert.deepEqual(rounds.setRoster(hashOf(TWO), TWO), []);
    assert.equal(rounds.code, code);
  });

  it('goes on where it was left, with what came meanwhile', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(THREE), THREE);
    rounds.setRoster(hashOf(TWO), TWO);
    // for the roster that is not ours now: taken, but neither answered nor revealed for
    assert.deepEqual(rounds.receive(BOB, commitOf(BOB, THREE, nonceOf(7), true)), { out: [] });
    assert.deepEqual(rounds.receive(CAROL, commitOf(CAROL, THREE, nonceOf(8), true)), { out: [] });
    assert.deepEqual(rounds.setRoster(hashOf(THREE), THREE), [
      { to: BOB, message: commitOf(ALICE, THREE, nonceOf(1), true) },
      { to: CAROL, message: commitOf(ALICE, THREE, nonceOf(1), true) },
      { to: BOB, message: revealOf(THREE, nonceOf(1)) },
      { to: CAROL, message: revealOf(THREE, nonceOf(1)) },
    ]);
    rounds.setRoster(hashOf(TWO), TWO);
    rounds.receive(BOB, revealOf(THREE, nonceOf(7)));
    rounds.receive(CAROL, revealOf(THREE, nonceOf(8)));
    assert.equal(rounds.code, undefined);
    assert.deepEqual(rounds.setRoster(hashOf(THREE), THREE), []);
    assert.notEqual(rounds.code, undefined);
  });

  it('is forgotten with all that belongs to it after many others, and begins with a new nonce', () => {
    const others = Array.from({ length: ROUNDS_MAX }, (_, i) => [ALICE, peerIdOf(i + 1)]);
    for (const [count, isKept] of [
      [ROUNDS_MAX - 1, true],
      [ROUNDS_MAX, false],
    ] as const) {
      const rounds = alice();
      rounds.setRoster(hashOf(TWO), TWO);
      rounds.receive(BOB, revealOf(TWO, nonceOf(0xbb)));
      for (const members of others.slice(0, count)) rounds.setRoster(hashOf(members), members);
      const out = rounds.setRoster(hashOf(TWO), TWO);
      assert.equal(rounds.code !== undefined, isKept);
      const fresh = commitOf(ALICE, TWO, nonceOf(count + 2));
      assert.deepEqual(out, isKept ? [] : [{ to: BOB, message: fresh }]);
    }
    const rounds = alice();
    const [first, ...rest] = others;
    for (const members of [TWO, first!, TWO, ...rest]) rounds.setRoster(hashOf(members), members);
    // it was present after the first, so that the first goes before it
    assert.deepEqual(rounds.setRoster(hashOf(TWO), TWO), [
      { to: BOB, message: commitOf(ALICE, TWO, nonceOf(1), true) },
    ]);
    assert.deepEqual(told(rounds.setRoster(hashOf(first!), [ALICE, BOB])), ['code-commit → Bob']);
  });
});

describe('RC2: an attacker in the roster', () => {
  it('gets no nonce before it has committed, whatever the others do and whatever it asks', () => {
    const members = [ALICE, BOB, CAROL, MALLORY];
    const rounds = alice();
    const out = [
      ...rounds.setRoster(hashOf(members), members),
      ...rounds.receive(BOB, commitOf(BOB, members, nonceOf(7), true)).out,
      ...rounds.receive(CAROL, commitOf(CAROL, members, nonceOf(8), true)).out,
      ...rounds.receive(BOB, revealOf(members, nonceOf(7))).out,
      ...rounds.receive(CAROL, revealOf(members, nonceOf(8))).out,
      // to other rosters, and as somebody else
      ...rounds.receive(MALLORY, commitOf(MALLORY, TWO, nonceOf(6), true)).out,
      ...rounds.receive(MALLORY, commitOf(MALLORY, [...members, peerIdOf(1)], nonceOf(6), true)).out,
      ...rounds.ask(),
      ...rounds.setRoster(hashOf(THREE), THREE),
      ...rounds.setRoster(hashOf(members), members),
    ];
    assert.deepEqual(
      out.filter(({ message }) => message.type === 'code-reveal'),
      [],
    );
    assert.equal(rounds.code, undefined);
    const due = rounds.receive(MALLORY, commitOf(MALLORY, members, nonceOf(6)));
    assert.deepEqual(told(due.out), ['code-reveal → Bob', 'code-reveal → Carol', 'code-reveal → Mallory']);
  });

  it('cannot take another nonce once it has seen the others’: neither commitment nor nonce', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(TWO), TWO);
    const { out } = rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(7)));
    assert.deepEqual(told(out), ['code-reveal → Bob']);
    for (let byte = 8; byte < 200; byte++) {
      assert.equal(rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(byte))).fault?.reason, 'changed-commitment');
      const fault = { peerId: BOB, reason: 'wrong-reveal' };
      assert.deepEqual(rounds.receive(BOB, revealOf(TWO, nonceOf(byte))), { out: [], fault });
    }
    assert.equal(rounds.code, undefined);
    // and the right one is taken nevertheless
    assert.deepEqual(rounds.receive(BOB, revealOf(TWO, nonceOf(7))), { out: [] });
    const code = rounds.code;
    assert.notEqual(code, undefined);
    assert.equal(rounds.receive(BOB, revealOf(TWO, nonceOf(8))).fault?.reason, 'wrong-reveal');
    assert.equal(rounds.code, code);
  });

  it('cannot take another nonce by making the roster go and come back', () => {
    const rounds = alice();
    rounds.setRoster(hashOf(TWO), TWO);
    rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(7)));
    rounds.setRoster(hashOf(THREE), THREE);
    assert.equal(rounds.receive(BOB, commitOf(BOB, TWO, nonceOf(8))).fault?.reason, 'changed-commitment');
    assert.equal(rounds.receive(BOB, revealOf(TWO, nonceOf(8))).fault?.reason, 'wrong-reveal');
    rounds.setRoster(hashOf(TWO), TWO);
    assert.equal(rounds.receive(BOB, revealOf(TWO, nonceOf(8))).fault?.reason, 'wrong-reveal');
    assert.deepEqual(rounds.receive(BOB, revealOf(TWO, nonceOf(7))), { out: [] });
    assert.notEqual(rounds.code, undefined);
  });

  it('cannot commit to what another has committed to: the peer id is in it', () => {
    const members = [ALICE, BOB, MALLORY];
    const rounds = alice();
    rounds.setRoster(hashOf(members), members);
    const copied = commitOf(BOB, members, nonceOf(7));
    rounds.receive(BOB, copied);
    rounds.receive(MALLORY, copied);
    rounds.receive(BOB, revealOf(members, nonceOf(7)));
    assert.equal(rounds.receive(MALLORY, revealOf(members, nonceOf(7))).fault?.reason, 'wrong-reveal');
  });

  it('that commits to different nonces for different members makes their codes differ', () => {
    const members = [ALICE, BOB, MALLORY];
    const room = new CodeRoom(new Random(41));
    for (const peerId of [ALICE, BOB]) room.join(peerId);
    for (const peerId of [ALICE, BOB]) room.see(peerId, members);
    const from = MALLORY;
    room.hand({ from, to: ALICE, message: commitOf(MALLORY, members, nonceOf(1)) });
    room.hand({ from, to: BOB, message: commitOf(MALLORY, members, nonceOf(2)) });
    room.deliverAll();
    room.hand({ from, to: ALICE, message: revealOf(members, nonceOf(2)) });
    assert.deepEqual(room.faults, [{ at: ALICE, peerId: MALLORY, reason: 'wrong-reveal' }]);
    room.hand({ from, to: ALICE, message: revealOf(members, nonceOf(1)) });
    room.hand({ from, to: BOB, message: revealOf(members, nonceOf(2)) });
    assert.notEqual(room.code(ALICE), undefined);
    assert.notEqual(room.code(BOB), undefined);
    assert.notEqual(room.code(ALICE), room.code(BOB));
  });
});

describe('RC3: somebody between two', () => {
  it('cannot make their codes equal: both rounds finish, with different codes, in 200 rooms', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Random(seed);
      const room = new CodeRoom(random);
      for (const peerId of TWO) room.join(peerId);
      // The same peer ids, but either sees the certificate of the one between: two rosters.
      room.see(ALICE, TWO, 'as Alice is shown it');
      room.see(BOB, TWO, 'as Bob is shown it');
      const between = {
        [ALICE]: new RoomCodeRounds(BOB, () => random.bytes(32)),
        [BOB]: new RoomCodeRounds(ALICE, () => random.bytes(32)),
      };
      const post = (from: PeerId, out: readonly Outgoing[]): void => {
        for (const letter of out) room.hand({ from, ...letter });
      };
      post(BOB, between[ALICE]!.setRoster(hashOf(TWO, 'as Alice is shown it'), TWO));
      post(ALICE, between[BOB]!.setRoster(hashOf(TWO, 'as Bob is shown it'), TWO));
      while (room.inFlight.length > 0) {
        const [letter] = room.inFlight.splice(random.below(room.inFlight.length), 1);
        const { from, to, message } = letter!;
        post(to, between[from]!.receive(from, message).out);
      }
      const [ours, theirs] = [room.code(ALICE), room.code(BOB)];
      assert.ok(ours && theirs, `seed ${seed}`);
      assert.notEqual(ours.split(' ')[0], theirs.split(' ')[0], `seed ${seed}: emoji`);
      assert.notEqual(ours.split(' ')[1], theirs.split(' ')[1], `seed ${seed}: digits`);
      assert.equal(spoken(between[ALICE]!.code), ours);
    }
  });

  it('gains nothing by passing the honest messages on: they are for another roster', () => {
    const random = new Random(42);
    const room = new CodeRoom(random);
    for (const peerId of TWO) room.join(peerId);
    room.see(ALICE, TWO, 'as Alice is shown it');
    room.see(BOB, TWO, 'as Bob is shown it');
    for (const peerId of [...TWO, ...TWO]) room.ask(peerId);
    room.deliverAll();
    assert.equal(room.code(ALICE), undefined);
    assert.equal(room.code(BOB), undefined);
  });
});

describe('honest peers', () => {
  /** Joins and leaves that everybody notices at another time, messages lost and in any order. */
  function storm(seed: number): void {
    const random = new Random(seed);
    const room = new CodeRoom(random);
    const loss = random.pick([0, 0, 0.1, 0.4]);
    const all = Array.from({ length: 6 }, (_, i) => peerIdOf(i + 1));
    for (const peerId of all) room.join(peerId);
    const rosters: (readonly PeerId[])[] = [];
    for (let i = 0; i < 1 + random.below(6); i++) {
      const size = 2 + random.below(5);
      rosters.push(all.filter((_, n) => n < 2 || random.chance(size / 6)));
    }
    const last = rosters.at(-1)!;
    const present = new Map<PeerId, readonly PeerId[]>();
    const codes = new Map<string, string>();
    // how many of the rosters each has seen
    const seen = new Map(all.map((peerId) => [peerId, 0]));
    const steps = 50 + random.below(300);
    for (let step = 0; step < steps; step++) {
      const peerId = random.pick(all);
      const next = rosters[seen.get(peerId)!];
      if (random.chance(0.1) && next) {
        seen.set(peerId, seen.get(peerId)! + 1);
        if (next.includes(peerId)) {
          present.set(peerId, next);
          room.see(peerId, next);
        }
      } else if (random.chance(0.05) && seen.get(peerId)! > 0) room.ask(peerId);
      else if (random.chance(loss)) room.inFlight.splice(random.below(room.inFlight.length + 1), 1);
      else room.deliver(random.below(room.inFlight.length + 1));
      for (const [each, roster] of present) {
        const code = room.code(each);
        if (code === undefined) continue;
        assert.equal(codes.get(roster.join()) ?? code, code, 'a roster has one code, whoever shows it and whenever');
        codes.set(roster.join(), code);
      }
    }
    for (const peerId of last) room.see(peerId, last);
    room.deliverAll();
    for (let times = 0; times < 2; times++) {
      for (const peerId of last) room.ask(peerId);
      room.deliverAll();
    }
    const shown = new Set(last.map((peerId) => room.code(peerId)));
    assert.equal(shown.size, 1);
    assert.ok(!shown.has(undefined), 'everybody has it');
    assert.deepEqual(room.faults, []);
    for (const peerId of last) room.ask(peerId);
    assert.equal(room.inFlight.length, 0, 'and nobody asks any more');
  }

  it('agree after any storm of joins, leaves, losses and delays, and nobody is suspected (500 rooms)', () => {
    for (let seed = 1; seed <= 500; seed++) {
      try {
        storm(seed);
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
  });

  it('need one commitment and one nonce to each other, where nothing is lost', () => {
    for (let size = 2; size <= 6; size++) {
      const room = new CodeRoom(new Random(size));
      const members = Array.from({ length: size }, (_, i) => peerIdOf(i + 1));
      for (const peerId of members) room.join(peerId);
      for (const peerId of members) room.see(peerId, members);
      let sent = 0;
      const types = new Set<string>();
      while (room.inFlight.length > 0) {
        const letter = room.inFlight[0]!;
        types.add(isOfType(letter, 'code-commit') ? `commit ${letter.message.isAsking}` : 'reveal');
        room.deliver(0);
        sent += 1;
      }
      assert.equal(sent, 2 * size * (size - 1));
      assert.deepEqual([...types], ['commit false', 'reveal']);
      assert.equal(new Set(members.map((peerId) => room.code(peerId))).size, 1);
    }
  });

  it('have other codes in other rosters, and for the same roster with other nonces', () => {
    const codes = new Set<string | undefined>();
    for (let seed = 1; seed <= 20; seed++) {
      const room = new CodeRoom(new Random(seed));
      for (const peerId of THREE) room.join(peerId);
      for (const roster of [TWO, THREE]) {
        for (const peerId of roster) room.see(peerId, roster);
        room.deliverAll();
        codes.add(room.code(ALICE));
      }
    }
    assert.equal(codes.size, 40);
    assert.ok(!codes.has(undefined));
  });
});
