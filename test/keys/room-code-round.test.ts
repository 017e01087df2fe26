import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { roomCode } from '../../src/engine/crypto/room-code.ts';
import { EARLY_MAX, ROUNDS_BURST, ROUND_EVERY_MS } from '../../src/engine/keys/room-code-round.ts';
import { ROUND_MAX } from '../../src/engine/protocol/code-message.ts';
import { peerIdFromBytes } from '../../src/engine/protocol/ids.ts';
import { ALICE, BOB, CAROL, peerIdOf } from '../helpers/samples.ts';
import { Alice, MALLORY, THREE, TWO, askOf, commitOf, nonceOf, revealOf, told } from './code-messages.ts';
import { hashOf, spoken } from './code-room.ts';

describe('RC1: a round of two', () => {
  it('commits, then reveals, then has the code that both nonces make', () => {
    const alice = new Alice();
    assert.deepEqual(alice.see(TWO), [{ to: BOB, message: commitOf(ALICE, TWO, 1, nonceOf(1)) }]);
    assert.equal(alice.rounds.code, undefined);
    const committed = alice.hear(BOB, commitOf(BOB, TWO, 1, nonceOf(7)));
    assert.deepEqual(committed, { out: [{ to: BOB, message: revealOf(TWO, 1, nonceOf(1)) }] });
    assert.equal(alice.rounds.code, undefined);
    assert.deepEqual(alice.hear(BOB, revealOf(TWO, 1, nonceOf(7))), { out: [] });
    const nonces = new Map([
      [ALICE, nonceOf(1)],
      [BOB, nonceOf(7)],
    ]);
    assert.deepEqual(alice.rounds.code, roomCode(hashOf(TWO), 1, nonces));
    assert.equal(alice.rounds.code, alice.rounds.code, 'and it is the same object as long as it stands');
  });

  it('has no code for somebody who is alone, and none left from before', () => {
    const alice = new Alice();
    assert.equal(alice.rounds.code, undefined);
    assert.deepEqual(alice.ask(), []);
    assert.deepEqual(alice.see([ALICE]), []);
    assert.deepEqual(alice.ask(), []);
    assert.equal(alice.rounds.code, undefined);
    alice.see(TWO);
    alice.hear(BOB, revealOf(TWO, 1, nonceOf(7)));
    assert.notEqual(alice.rounds.code, undefined);
    assert.deepEqual(alice.see([]), []);
    assert.equal(alice.rounds.code, undefined);
  });

  it('says nothing again for the roster that it has', () => {
    const alice = new Alice();
    alice.see(TWO);
    assert.deepEqual(alice.see(TWO), []);
  });

  it('takes a nonce that has overtaken its commitment for both', () => {
    const alice = new Alice();
    alice.see(TWO);
    assert.deepEqual(told(alice.hear(BOB, revealOf(TWO, 1, nonceOf(7))).out), ['reveal 1 → Bob']);
    const code = spoken(alice.rounds.code);
    assert.notEqual(code, undefined);
    assert.deepEqual(alice.hear(BOB, commitOf(BOB, TWO, 1, nonceOf(7))), { out: [] });
    const fault = { peerId: BOB, reason: 'changed-commitment' };
    assert.deepEqual(alice.hear(BOB, commitOf(BOB, TWO, 1, nonceOf(8))), { out: [], fault });
    assert.equal(spoken(alice.rounds.code), code);
  });
});

describe('RC1: numbers of rounds', () => {
  it('grow by one with each roster, also where it comes back', () => {
    const alice = new Alice();
    const rounds = [TWO, THREE, TWO, THREE].map((members) => told(alice.see(members))[0]);
    assert.deepEqual(rounds, ['commit 1 → Bob', 'commit 2 → Bob', 'commit 3 → Bob', 'commit 4 → Bob']);
  });

  it('go up to that of a member who is ahead, with a fresh nonce, and stay there', () => {
    const alice = new Alice();
    alice.see(THREE);
    assert.deepEqual(alice.hear(BOB, commitOf(BOB, THREE, 9, nonceOf(7))).out, [
      { to: BOB, message: commitOf(ALICE, THREE, 9, nonceOf(2)) },
      { to: CAROL, message: commitOf(ALICE, THREE, 9, nonceOf(2)) },
    ]);
    // his commitment to it is held
    const last = alice.hear(CAROL, askOf(CAROL, THREE, 9, nonceOf(8)));
    assert.deepEqual(told(last.out), ['commit 9 → Carol', 'reveal 9 → Bob', 'reveal 9 → Carol']);
    assert.deepEqual(told(alice.see(TWO)), ['commit 10 → Bob']);
  });

  it('bring somebody who is behind up, by our own commitment', () => {
    const alice = new Alice();
    for (const members of [TWO, THREE, TWO]) alice.see(members);
    for (const message of [commitOf(BOB, TWO, 2, nonceOf(7)), askOf(BOB, TWO, 1, nonceOf(6))]) {
      assert.deepEqual(alice.hear(BOB, message), { out: [{ to: BOB, message: commitOf(ALICE, TWO, 3, nonceOf(3)) }] });
    }
    assert.deepEqual(told(alice.hear(BOB, commitOf(BOB, TWO, 3, nonceOf(5))).out), ['reveal 3 → Bob']);
  });

  it('decide what a nonce is for: one of another round is neither taken nor a fault', () => {
    const alice = new Alice();
    for (const members of [TWO, THREE, TWO]) alice.see(members);
    alice.hear(BOB, commitOf(BOB, TWO, 3, nonceOf(7)));
    for (const round of [1, 2, 4]) assert.deepEqual(alice.hear(BOB, revealOf(TWO, round, nonceOf(7))), { out: [] });
    assert.equal(alice.rounds.code, undefined);
    alice.hear(BOB, revealOf(TWO, 3, nonceOf(7)));
    assert.notEqual(alice.rounds.code, undefined);
  });

  it('end: after the last one no round begins, and the one that stands goes on', () => {
    const alice = new Alice();
    alice.see(TWO);
    assert.deepEqual(told(alice.hear(BOB, commitOf(BOB, TWO, ROUND_MAX, nonceOf(7))).out), [
      `commit ${ROUND_MAX} → Bob`,
      `reveal ${ROUND_MAX} → Bob`,
    ]);
    alice.hear(BOB, revealOf(TWO, ROUND_MAX, nonceOf(7)));
    assert.notEqual(alice.rounds.code, undefined);
    assert.deepEqual(alice.see(THREE), []);
    assert.deepEqual(alice.hear(BOB, commitOf(BOB, THREE, 2, nonceOf(7))), { out: [] });
    assert.deepEqual(alice.ask(), []);
    assert.equal(alice.rounds.code, undefined);
  });
});

describe('RC1: how often rounds begin', () => {
  /** As many rounds as may begin at once. */
  function exhausted(): Alice {
    const alice = new Alice();
    for (let i = 0; i < ROUNDS_BURST; i++) assert.notEqual(alice.see(i % 2 === 0 ? TWO : THREE).length, 0);
    return alice;
  }

  it('is limited, and what is wanted then begins with the first call that may: ask, receive, setRoster', () => {
    for (const call of ['ask', 'receive', 'setRoster']) {
      const alice = exhausted();
      alice.see(TWO);
      const calls = {
        ask: () => alice.ask(),
        receive: () => alice.hear(MALLORY, revealOf(THREE, 1, nonceOf(1))).out,
        setRoster: () => alice.see(TWO),
      };
      const run = calls[call as keyof typeof calls];
      alice.nowMs = ROUND_EVERY_MS - 1;
      assert.deepEqual(run(), [], call);
      assert.deepEqual(alice.hear(BOB, commitOf(BOB, TWO, 1, nonceOf(7))), { out: [] }, 'and nobody is answered');
      alice.nowMs = ROUND_EVERY_MS;
      assert.deepEqual(told(run()), ['commit 7 → Bob'], call);
      assert.deepEqual(told(run()), call === 'ask' ? ['commit? 7 → Bob'] : [], 'once');
    }
  });

  it('is limited for those of others too: the round that stands goes on, and then the highest that was wanted begins', () => {
    const alice = exhausted();
    for (const round of [8, 20, 12]) {
      assert.deepEqual(alice.hear(BOB, commitOf(BOB, THREE, round, nonceOf(round))), { out: [] });
    }
    alice.hear(BOB, revealOf(THREE, 6, nonceOf(7)));
    assert.deepEqual(told(alice.hear(CAROL, revealOf(THREE, 6, nonceOf(8))).out), [
      'reveal 6 → Bob',
      'reveal 6 → Carol',
    ]);
    assert.notEqual(alice.rounds.code, undefined);
    alice.nowMs = ROUND_EVERY_MS;
    assert.deepEqual(told(alice.ask()), ['commit 20 → Bob', 'commit 20 → Carol']);
    assert.equal(alice.rounds.code, undefined);
    assert.deepEqual(told(alice.hear(CAROL, commitOf(CAROL, THREE, 20, nonceOf(8))).out).length, 2, 'Bob’s was kept');
  });

  it('leaves no code of a roster that is gone, though the next round may not begin yet', () => {
    const alice = exhausted();
    for (const peerId of [BOB, CAROL]) alice.hear(peerId, revealOf(THREE, 6, nonceOf(7)));
    assert.notEqual(alice.rounds.code, undefined);
    alice.see(TWO);
    assert.equal(alice.rounds.code, undefined);
    alice.see(THREE);
    assert.equal(alice.rounds.code, undefined, 'and none comes back with it');
    assert.deepEqual(alice.ask(), []);
  });
});

describe('RC2: a lost message', () => {
  it('is asked for, of those whose part is missing and of nobody else', () => {
    const alice = new Alice();
    alice.see(THREE);
    assert.deepEqual(told(alice.ask()), ['commit? 1 → Bob', 'commit? 1 → Carol']);
    alice.hear(BOB, commitOf(BOB, THREE, 1, nonceOf(7)));
    assert.deepEqual(told(alice.ask()), ['commit? 1 → Bob', 'commit? 1 → Carol']);
    alice.hear(BOB, revealOf(THREE, 1, nonceOf(7)));
    assert.deepEqual(told(alice.ask()), ['commit? 1 → Carol']);
    alice.hear(CAROL, revealOf(THREE, 1, nonceOf(8)));
    assert.deepEqual(alice.ask(), []);
  });

  it('is told again: the commitment, and the nonce once that is out', () => {
    const alice = new Alice();
    alice.see(THREE);
    const asked = askOf(BOB, THREE, 1, nonceOf(7));
    assert.deepEqual(told(alice.hear(BOB, asked).out), ['commit 1 → Bob']);
    const last = alice.hear(CAROL, askOf(CAROL, THREE, 1, nonceOf(8)));
    assert.deepEqual(told(last.out), ['commit 1 → Carol', 'reveal 1 → Bob', 'reveal 1 → Carol']);
    assert.deepEqual(alice.hear(BOB, asked).out, [
      { to: BOB, message: commitOf(ALICE, THREE, 1, nonceOf(1)) },
      { to: BOB, message: revealOf(THREE, 1, nonceOf(1)) },
    ]);
  });

  it('is not told again to who asks with another commitment', () => {
    const alice = new Alice();
    alice.see(TWO);
    alice.hear(BOB, commitOf(BOB, TWO, 1, nonceOf(7)));
    const fault = { peerId: BOB, reason: 'changed-commitment' };
    assert.deepEqual(alice.hear(BOB, askOf(BOB, TWO, 1, nonceOf(8))), { out: [], fault });
  });
});

describe('RC1: a commitment that is early', () => {
  it('is kept: who is ahead of us is heard once we are there, in its round', () => {
    const alice = new Alice();
    alice.see(TWO);
    assert.deepEqual(alice.hear(BOB, askOf(BOB, THREE, 5, nonceOf(7))), { out: [] });
    assert.deepEqual(alice.hear(CAROL, commitOf(CAROL, THREE, 5, nonceOf(8))), { out: [] });
    assert.deepEqual(told(alice.see(THREE)), [
      'commit 5 → Bob',
      'commit 5 → Carol',
      'reveal 5 → Bob',
      'reveal 5 → Carol',
    ]);
  });

  it('counts for its own round only, which is the highest', () => {
    const alice = new Alice();
    alice.hear(BOB, commitOf(BOB, THREE, 3, nonceOf(7)));
    alice.hear(CAROL, commitOf(CAROL, THREE, 5, nonceOf(8)));
    assert.deepEqual(told(alice.see(THREE)), ['commit 5 → Bob', 'commit 5 → Carol']);
    const committed = alice.hear(BOB, commitOf(BOB, THREE, 5, nonceOf(9)));
    assert.deepEqual(told(committed.out), ['reveal 5 → Bob', 'reveal 5 → Carol']);
  });

  it('is one a peer: that of its highest round, in whatever order they come', () => {
    for (const order of [
      [2, 3],
      [3, 2],
    ]) {
      const alice = new Alice();
      for (const round of order) alice.hear(BOB, commitOf(BOB, round === 2 ? TWO : THREE, round, nonceOf(round)));
      assert.deepEqual(told(alice.see(TWO)), ['commit 1 → Bob'], 'he has left this roster');
      assert.deepEqual(told(alice.see(THREE)), ['commit 3 → Bob', 'commit 3 → Carol']);
    }
  });

  it('outlives a round of ours that has a lower number, and no other', () => {
    const alice = new Alice();
    alice.hear(CAROL, commitOf(CAROL, THREE, 2, nonceOf(8)));
    alice.see(TWO);
    alice.hear(BOB, commitOf(BOB, THREE, 1, nonceOf(9)));
    assert.deepEqual(told(alice.see(THREE)), ['commit 2 → Bob', 'commit 2 → Carol']);
    const fault = { peerId: CAROL, reason: 'wrong-reveal' };
    assert.deepEqual(alice.hear(CAROL, revealOf(THREE, 2, nonceOf(9))), { out: [], fault }, 'hers was kept');
    assert.deepEqual(told(alice.hear(BOB, commitOf(BOB, THREE, 2, nonceOf(9))).out).length, 2, 'his was not');
  });

  it('is none as a nonce, nor from somebody who is not in the roster', () => {
    const alice = new Alice();
    assert.deepEqual(alice.hear(BOB, revealOf(TWO, 1, nonceOf(7))), { out: [] });
    assert.deepEqual(alice.hear(MALLORY, commitOf(MALLORY, TWO, 1, nonceOf(7))), { out: [] });
    alice.hear(CAROL, commitOf(CAROL, TWO, 40, nonceOf(7)));
    assert.deepEqual(told(alice.see(TWO)), ['commit 1 → Bob'], 'their number is not taken, nor do they stand for Bob');
    const fault = { peerId: MALLORY, reason: 'not-a-member' };
    assert.deepEqual(alice.hear(MALLORY, askOf(MALLORY, TWO, 9, nonceOf(7))), { out: [], fault });
    assert.deepEqual(alice.hear(MALLORY, revealOf(TWO, 1, nonceOf(7))), { out: [], fault });
    assert.deepEqual(alice.hear(ALICE, commitOf(ALICE, TWO, 1, nonceOf(1))).fault?.reason, 'not-a-member');
    assert.deepEqual(told(alice.ask()), ['commit? 1 → Bob'], 'and none of it has begun a round');
  });

  it('is kept of so many peers at most, and the oldest goes first', () => {
    const strangers = Array.from({ length: EARLY_MAX }, (_, i) => {
      const bytes = new Uint8Array(16).fill(0xee);
      return peerIdFromBytes(bytes.with(0, i))!;
    });
    for (const [count, isHeard] of [
      [EARLY_MAX - 1, true],
      [EARLY_MAX, false],
    ] as const) {
      const alice = new Alice();
      alice.hear(BOB, commitOf(BOB, TWO, 1, nonceOf(7)));
      for (const peerId of strangers.slice(0, count)) alice.hear(peerId, commitOf(peerId, THREE, 1, nonceOf(1)));
      assert.equal(told(alice.see(TWO)).includes('reveal 1 → Bob'), isHeard, `${count}`);
    }
    const alice = new Alice();
    alice.hear(BOB, commitOf(BOB, THREE, 1, nonceOf(7)));
    for (const peerId of strangers.slice(1)) alice.hear(peerId, commitOf(peerId, THREE, 1, nonceOf(1)));
    // who speaks again is the newest
    alice.hear(BOB, commitOf(BOB, TWO, 2, nonceOf(7)));
    alice.hear(strangers[0]!, commitOf(strangers[0]!, THREE, 1, nonceOf(1)));
    assert.ok(told(alice.see(TWO)).includes('reveal 2 → Bob'));
  });
});

describe('RC2: a round that was left', () => {
  it('never comes back: neither its nonce nor what was said in it', () => {
    const alice = new Alice();
    alice.see(TWO);
    alice.hear(BOB, commitOf(BOB, TWO, 1, nonceOf(7)));
    alice.see(THREE);
    for (const message of [commitOf(BOB, TWO, 1, nonceOf(7)), revealOf(TWO, 1, nonceOf(7))]) {
      assert.deepEqual(alice.hear(BOB, message), { out: [] });
    }
    assert.deepEqual(alice.see(TWO), [{ to: BOB, message: commitOf(ALICE, TWO, 3, nonceOf(3)) }]);
    assert.deepEqual(alice.hear(BOB, revealOf(TWO, 1, nonceOf(7))), { out: [] });
    assert.deepEqual(told(alice.hear(BOB, askOf(BOB, TWO, 1, nonceOf(7))).out), ['commit 3 → Bob']);
    assert.equal(alice.rounds.code, undefined);
  });

  it('never comes back where it was finished', () => {
    const alice = new Alice();
    alice.see(TWO);
    alice.hear(BOB, revealOf(TWO, 1, nonceOf(7)));
    const code = spoken(alice.rounds.code);
    alice.see(THREE);
    assert.equal(alice.rounds.code, undefined);
    assert.deepEqual(told(alice.see(TWO)), ['commit 3 → Bob']);
    alice.hear(BOB, revealOf(TWO, 3, nonceOf(7)));
    assert.notEqual(spoken(alice.rounds.code), undefined);
    assert.notEqual(spoken(alice.rounds.code), code);
  });

  it('never comes back where a newer one of the same roster has taken its place', () => {
    const alice = new Alice();
    alice.see(TWO);
    alice.hear(BOB, revealOf(TWO, 1, nonceOf(7)));
    assert.notEqual(alice.rounds.code, undefined);
    alice.hear(BOB, commitOf(BOB, TWO, 2, nonceOf(8)));
    assert.equal(alice.rounds.code, undefined);
    alice.hear(BOB, revealOf(TWO, 1, nonceOf(7)));
    assert.equal(alice.rounds.code, undefined);
  });
});

describe('RC2: rounds that end when only nonces of others are missing', () => {
  it('are counted, and no others', () => {
    const alice = new Alice();
    alice.see(TWO);
    alice.see(THREE);
    assert.equal(alice.rounds.unfinished, 0, 'nothing was revealed');
    for (const peerId of [BOB, CAROL]) alice.hear(peerId, revealOf(THREE, 2, nonceOf(7)));
    alice.see(TWO);
    assert.equal(alice.rounds.unfinished, 0, 'it had its code');
    alice.hear(BOB, commitOf(BOB, TWO, 3, nonceOf(7)));
    assert.deepEqual(alice.rounds.withholding, []);
    alice.hear(BOB, commitOf(BOB, TWO, 4, nonceOf(8)));
    assert.equal(alice.rounds.unfinished, 1, 'by a newer round');
    assert.deepEqual(alice.rounds.withholding, [BOB]);
    alice.see(THREE);
    assert.equal(alice.rounds.unfinished, 2, 'by another roster');
    assert.deepEqual(alice.rounds.withholding, [BOB]);
    alice.see([ALICE, CAROL]);
    assert.deepEqual(alice.rounds.withholding, [], 'he is gone');
  });

  it('name those whose nonces were missing most often', () => {
    const members = [ALICE, BOB, CAROL, MALLORY];
    const alice = new Alice();
    alice.see(members);
    for (let round = 1; round <= 5; round++) {
      for (const peerId of members.slice(1)) alice.hear(peerId, commitOf(peerId, members, round, nonceOf(7)));
      // Carol's is late twice, and Bob's once
      if (round !== 2) alice.hear(BOB, revealOf(members, round, nonceOf(7)));
      if (round > 2) alice.hear(CAROL, revealOf(members, round, nonceOf(7)));
    }
    assert.equal(alice.rounds.unfinished, 4);
    assert.deepEqual(alice.rounds.withholding, [MALLORY]);
  });
});

describe('RC2: an attacker in the roster', () => {
  it('gets no nonce before it has committed, whatever the others do and whatever it asks', () => {
    const members = [ALICE, BOB, CAROL, MALLORY];
    const alice = new Alice();
    const out = [
      ...alice.see(members),
      ...alice.hear(BOB, askOf(BOB, members, 1, nonceOf(7))).out,
      ...alice.hear(CAROL, askOf(CAROL, members, 1, nonceOf(8))).out,
      ...alice.hear(BOB, revealOf(members, 1, nonceOf(7))).out,
      ...alice.hear(CAROL, revealOf(members, 1, nonceOf(8))).out,
      // to other rosters, in other rounds, and as somebody else
      ...alice.hear(MALLORY, askOf(MALLORY, TWO, 1, nonceOf(6))).out,
      ...alice.hear(MALLORY, askOf(MALLORY, [...members, peerIdOf(1)], 2, nonceOf(6))).out,
      ...alice.hear(MALLORY, askOf(MALLORY, members, 2, nonceOf(6))).out,
      ...alice.hear(MALLORY, askOf(MALLORY, members, 1, nonceOf(6))).out,
      ...alice.ask(),
      ...alice.see(THREE),
      ...alice.see(members),
    ];
    assert.deepEqual(
      out.filter(({ message }) => message.type === 'code-reveal'),
      [],
    );
    assert.equal(alice.rounds.code, undefined);
    for (const peerId of [BOB, CAROL]) alice.hear(peerId, commitOf(peerId, members, 4, nonceOf(7)));
    const due = alice.hear(MALLORY, commitOf(MALLORY, members, 4, nonceOf(6)));
    assert.deepEqual(told(due.out), ['reveal 4 → Bob', 'reveal 4 → Carol', 'reveal 4 → Mallory']);
  });

  it('cannot take another nonce once it has seen the others’: neither commitment nor nonce', () => {
    const alice = new Alice();
    alice.see(TWO);
    const { out } = alice.hear(BOB, commitOf(BOB, TWO, 1, nonceOf(7)));
    assert.deepEqual(told(out), ['reveal 1 → Bob']);
    for (let byte = 8; byte < 200; byte++) {
      assert.equal(alice.hear(BOB, commitOf(BOB, TWO, 1, nonceOf(byte))).fault?.reason, 'changed-commitment');
      const fault = { peerId: BOB, reason: 'wrong-reveal' };
      assert.deepEqual(alice.hear(BOB, revealOf(TWO, 1, nonceOf(byte))), { out: [], fault });
    }
    assert.equal(alice.rounds.code, undefined);
    // and the right one is taken nevertheless
    assert.deepEqual(alice.hear(BOB, revealOf(TWO, 1, nonceOf(7))), { out: [] });
    const code = alice.rounds.code;
    assert.notEqual(code, undefined);
    assert.equal(alice.hear(BOB, revealOf(TWO, 1, nonceOf(8))).fault?.reason, 'wrong-reveal');
    assert.equal(alice.rounds.code, code);
  });

  it('cannot reveal for this round what it has committed to for another', () => {
    const alice = new Alice();
    alice.see(TWO);
    const other = commitOf(BOB, TWO, 2, nonceOf(7));
    alice.hear(BOB, { ...other, round: 1 });
    const fault = { peerId: BOB, reason: 'wrong-reveal' };
    assert.deepEqual(alice.hear(BOB, revealOf(TWO, 1, nonceOf(7))), { out: [], fault });
  });

  it('cannot commit to what another has committed to: the peer id is in it', () => {
    const members = [ALICE, BOB, MALLORY];
    const alice = new Alice();
    alice.see(members);
    const copied = commitOf(BOB, members, 1, nonceOf(7));
    alice.hear(BOB, copied);
    alice.hear(MALLORY, copied);
    alice.hear(BOB, revealOf(members, 1, nonceOf(7)));
    assert.equal(alice.hear(MALLORY, revealOf(members, 1, nonceOf(7))).fault?.reason, 'wrong-reveal');
  });
});
