import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { Effect, RoomEvent } from '../../src/engine/room/events.ts';
import { CONNECTING_STRIKES_MAX } from '../../src/engine/room/roster.ts';
import { isPresent } from '../../src/engine/room/state.ts';
import type { RosterState } from '../../src/engine/room/state.ts';
import { ALICE, BOB, CAROL, peerIdOf } from '../helpers/samples.ts';
import { PRESENCE, certificateOf, effectOf, join, listed, senderOf, welcome } from './step-fixtures.ts';
import { StepRunner, momentsOf } from './step-runner.ts';

const DAVE = peerIdOf(0xda);
const VERDICT: RoomEvent = { type: 'timer', id: 'roster-verdict' };
const GRACE: RoomEvent = { type: 'timer', id: 'roster-grace' };
const BEAT: RoomEvent = { type: 'timer', id: 'roster-beat' };
const ANNOUNCE: RoomEvent = { type: 'timer', id: 'roster-announce' };

function speaks(from: PeerId, isConfirmed = true): RoomEvent {
  const message = { type: 'presence', link: 1, seq: 1, presence: PRESENCE, isAsking: false } as const;
  return { type: 'message', from, sender: senderOf(from, isConfirmed), message };
}

function reports(from: PeerId, seen: readonly PeerId[], isAsking = false): RoomEvent {
  const members = seen.map((peerId) => ({ peerId, certificate: certificateOf(peerId) }));
  const message = { type: 'roster', seq: 1, members, mac: certificateOf(from), isAsking } as const;
  return { type: 'message', from, sender: senderOf(from), message };
}

function rosterOf(room: StepRunner): RosterState {
  assert.ok(isPresent(room.state.call));
  return room.state.call.roster;
}

function verdictOf(room: StepRunner): readonly unknown[] {
  const { verdict, mismatches } = rosterOf(room);
  return [verdict, ...mismatches.map(({ by, peerId }) => [by, peerId])];
}

function timersOf(effects: readonly Effect[], type: 'start-timer' | 'stop-timer' = 'start-timer'): readonly string[] {
  return effects.flatMap((effect) => (effect.type === type ? [effect.id] : [])).filter((id) => id.startsWith('roster'));
}

/** We are Alice; Bob and Carol came after us, and have spoken. */
function three(): StepRunner {
  const room = new StepRunner();
  room.run(join, welcome(1), listed(BOB, 2), listed(CAROL, 3), speaks(BOB), speaks(CAROL));
  return room;
}

/** And are connected with. */
function connected(): StepRunner {
  const room = three();
  room.run(linked(BOB), linked(CAROL));
  return room;
}

function linked(peerId: PeerId): RoomEvent {
  return { type: 'transport-changed', peerId, generation: 1, transport: 'connected' };
}

function times(event: RoomEvent, count: number): readonly RoomEvent[] {
  return Array.from({ length: count }, () => event);
}

describe('RO: the roster', () => {
  it('has those whose keys are agreed, not those whom the relay lists', () => {
    const room = new StepRunner();
    assert.deepEqual(timersOf(room.run(join, welcome(1))), []);
    assert.deepEqual(timersOf(room.run(listed(BOB, 2))), []);
    assert.equal(rosterOf(room).epoch, 0);
    assert.deepEqual(timersOf(room.run(speaks(BOB))), ['roster-announce', 'roster-verdict', 'roster-beat']);
    assert.equal(rosterOf(room).epoch, 1);
    assert.deepEqual(timersOf(room.run(speaks(BOB))), [], 'nothing has changed');
  });

  it('is told to all, shortly after it has changed', () => {
    const room = three();
    const told = effectOf(room.run(ANNOUNCE), 'announce-roster');
    assert.deepEqual(told?.to, [BOB, CAROL]);
    assert.deepEqual(
      told?.members.map(({ peerId }) => peerId),
      [ALICE, BOB, CAROL],
    );
    assert.equal(told?.isAsking, false);
  });

  it('is consistent once all see the same', () => {
    const room = three();
    assert.deepEqual(verdictOf(room), ['settling']);
    room.run(reports(BOB, [CAROL, ALICE, BOB]));
    assert.deepEqual(verdictOf(room), ['settling'], 'Carol has not said yet');
    room.run(reports(CAROL, [ALICE, BOB, CAROL]));
    assert.deepEqual(verdictOf(room), ['consistent']);
    assert.deepEqual(timersOf(room.run(reports(CAROL, [ALICE, BOB, CAROL]))), [], 'said again');
  });

  it('is never consistent while one is silent, however long', () => {
    const room = three();
    room.run(reports(BOB, [ALICE, BOB, CAROL]), VERDICT, VERDICT, GRACE);
    assert.deepEqual(verdictOf(room), ['settling']);
  });

  it('mismatches where one side does not see somebody, once the news has had its time, and names both', () => {
    const room = connected();
    room.run(reports(CAROL, [ALICE, BOB, CAROL]), reports(BOB, [ALICE, BOB]));
    assert.deepEqual(verdictOf(room), ['settling']);
    const moments = momentsOf(room.run(VERDICT, VERDICT));
    assert.deepEqual(moments, [{ type: 'error', code: 'roster-mismatch', isRecoverable: true }]);
    assert.deepEqual(verdictOf(room), ['mismatch', [BOB, CAROL]]);
    assert.deepEqual(momentsOf(room.run(VERDICT, VERDICT)), [], 'told once');
    room.run(reports(BOB, [ALICE, BOB, CAROL]));
    assert.deepEqual(verdictOf(room), ['consistent']);
  });

  it('mismatches where a peer sees somebody whom we do not: a ghost', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2), speaks(BOB), linked(BOB));
    room.run(reports(BOB, [ALICE, BOB, CAROL]), VERDICT, VERDICT);
    assert.deepEqual(verdictOf(room), ['mismatch', [BOB, CAROL]]);
  });

  it('mismatches where somebody is seen with other keys', () => {
    const room = new StepRunner();
    const other = { peerId: ALICE, certificate: certificateOf(CAROL) };
    const members = [other, { peerId: BOB, certificate: certificateOf(BOB) }];
    const message = { type: 'roster', seq: 1, members, mac: certificateOf(BOB), isAsking: false } as const;
    room.run(join, welcome(1), listed(BOB, 2), speaks(BOB), linked(BOB));
    room.run({ type: 'message', from: BOB, sender: senderOf(BOB), message }, VERDICT, VERDICT);
    assert.deepEqual(verdictOf(room), ['mismatch', [BOB, ALICE], [BOB, ALICE]]);
  });

  it('waits for connections that are still being made, and for none that stands or is found not to', () => {
    const begun = (): StepRunner => {
      const room = new StepRunner();
      room.run(join, welcome(1), listed(BOB, 2), listed(CAROL, 3), speaks(BOB), speaks(CAROL), linked(BOB));
      room.run(reports(CAROL, [ALICE, BOB, CAROL]), reports(BOB, [ALICE, BOB]), VERDICT, VERDICT);
      assert.deepEqual(verdictOf(room), ['settling'], 'Carol is still being connected with');
      return room;
    };
    const looks = { type: 'timer', id: `link:${CAROL}` } as const;
    for (const settled of [[linked(CAROL)], [looks, looks]]) {
      const room = begun();
      const told = momentsOf(room.run(...settled, VERDICT));
      assert.deepEqual(told, [{ type: 'error', code: 'roster-mismatch', isRecoverable: true }]);
      assert.deepEqual(verdictOf(room), ['mismatch', [BOB, CAROL]]);
    }
    const room = begun();
    room.run(linked(CAROL), reports(BOB, [ALICE, BOB, CAROL]));
    assert.deepEqual(verdictOf(room), ['consistent'], 'and nobody was alarmed');
  });

  it('is told within the bound, though the relay lets no connection come to stand', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2), listed(CAROL, 3), speaks(BOB), speaks(CAROL));
    room.run(reports(CAROL, [ALICE, BOB, CAROL]), reports(BOB, [ALICE, BOB]));
    for (let strike = 1; strike < CONNECTING_STRIKES_MAX; strike++) {
      assert.deepEqual(timersOf(room.run(VERDICT)), ['roster-verdict'], 'the clock goes on');
      assert.deepEqual(verdictOf(room), ['settling']);
    }
    assert.equal(momentsOf(room.run(VERDICT)).length, 1);
    assert.deepEqual(verdictOf(room), ['mismatch', [BOB, CAROL]]);
    assert.deepEqual(timersOf(room.run(VERDICT)), [], 'and then it stops');
  });

  it('is not put off by others who come and go: two looks at the link are all', () => {
    const room = new StepRunner();
    const looks = { type: 'timer', id: `link:${CAROL}` } as const;
    room.run(join, welcome(1), listed(BOB, 2), listed(CAROL, 3), speaks(BOB), speaks(CAROL), linked(BOB));
    room.run(reports(CAROL, [ALICE, BOB, CAROL]), reports(BOB, [ALICE, BOB]), ...times(VERDICT, 8), looks, looks);
    room.run(listed(DAVE, 4), speaks(DAVE), VERDICT, VERDICT);
    assert.ok(verdictOf(room).some((each) => JSON.stringify(each) === JSON.stringify([BOB, CAROL])));
  });

  it('starts its clock again where a difference is found late, and a connection is waited for', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2), listed(CAROL, 3), speaks(BOB), speaks(CAROL));
    room.run(linked(BOB), reports(CAROL, [ALICE, BOB, CAROL]), reports(BOB, [ALICE, BOB, CAROL]));
    room.run(...times(VERDICT, 2));
    assert.equal(rosterOf(room).isJudging, false);
    assert.ok(timersOf(room.run(reports(BOB, [ALICE, BOB]))).includes('roster-verdict'));
    room.run(VERDICT, VERDICT, GRACE);
    assert.deepEqual(verdictOf(room), ['settling']);
    room.run(...times(VERDICT, CONNECTING_STRIKES_MAX));
    assert.deepEqual(verdictOf(room), ['mismatch', [BOB, CAROL]]);
  });

  it('once told, is not taken back for a connection that is made anew', () => {
    const room = connected();
    room.run(reports(CAROL, [ALICE, BOB, CAROL]), reports(BOB, [ALICE, BOB]), VERDICT, VERDICT);
    room.run({ type: 'transport-changed', peerId: CAROL, generation: 1, transport: 'connecting' });
    assert.deepEqual(momentsOf(room.run(reports(BOB, [ALICE, BOB]))), []);
    assert.deepEqual(verdictOf(room), ['mismatch', [BOB, CAROL]]);
  });

  it('gives a lost connection its time: one side may notice later than the other', () => {
    const room = connected();
    room.run(reports(BOB, [ALICE, BOB, CAROL]), reports(CAROL, [ALICE, BOB, CAROL]));
    const effects = room.run(reports(BOB, [ALICE, BOB]));
    assert.deepEqual(timersOf(effects), ['roster-grace'], 'the clock of the verdict runs already');
    room.run(VERDICT, VERDICT);
    assert.deepEqual(verdictOf(room), ['settling'], 'Bob has seen Carol before');
    room.run(GRACE);
    assert.deepEqual(verdictOf(room), ['mismatch', [BOB, CAROL]]);
  });

  it('gives the others time to notice whom we have lost', () => {
    const room = three();
    room.run(reports(BOB, [ALICE, BOB, CAROL]), reports(CAROL, [ALICE, BOB, CAROL]));
    const leave = { type: 'message', from: CAROL, sender: senderOf(CAROL), message: { type: 'leave' } } as const;
    assert.ok(timersOf(room.run(leave)).includes('roster-grace'));
    room.run(VERDICT, VERDICT);
    assert.deepEqual(verdictOf(room), ['settling']);
    room.run(reports(BOB, [ALICE, BOB]));
    assert.deepEqual(verdictOf(room), ['consistent']);
    assert.equal(rosterOf(room).epoch, 3);
  });

  it('calls a peer that others keep seeing a mismatch in the end', () => {
    const room = connected();
    const leave = { type: 'message', from: CAROL, sender: senderOf(CAROL), message: { type: 'leave' } } as const;
    room.run(reports(BOB, [ALICE, BOB, CAROL]), leave, VERDICT, VERDICT, GRACE);
    assert.deepEqual(verdictOf(room), ['mismatch', [BOB, CAROL]]);
  });

  it('takes somebody who comes back for present', () => {
    const room = three();
    const lost: RoomEvent = { type: 'timer', id: `gone:${CAROL}` };
    room.run(reports(BOB, [ALICE, BOB, CAROL]), { type: 'peer-unlisted', peerId: CAROL }, lost);
    assert.equal(rosterOf(room).departed.size, 1);
    room.run(listed(CAROL, 4), speaks(CAROL));
    assert.deepEqual([...rosterOf(room).departed], []);
  });

  it('answers who asks, and asks those who were there before at every beat', () => {
    const room = new StepRunner();
    room.run(join, welcome(2, { [BOB]: 1 }), listed(CAROL, 3), speaks(BOB), speaks(CAROL));
    assert.deepEqual(effectOf(room.run(reports(BOB, [ALICE, BOB, CAROL], true)), 'announce-roster')?.to, [BOB]);
    const beat = room.run(BEAT);
    assert.deepEqual(effectOf(beat, 'announce-roster')?.to, [BOB]);
    assert.equal(effectOf(beat, 'announce-roster')?.isAsking, true);
    assert.deepEqual(timersOf(beat), ['roster-beat']);
  });

  it('ends with the last peer, and with our leaving', () => {
    const room = three();
    const leave = (from: PeerId): RoomEvent => ({
      type: 'message',
      from,
      sender: senderOf(from),
      message: { type: 'leave' },
    });
    const all = ['roster-announce', 'roster-verdict', 'roster-grace', 'roster-beat'];
    assert.deepEqual(timersOf(room.run(leave(BOB), leave(CAROL)), 'stop-timer'), all);
    assert.deepEqual(verdictOf(room), ['settling']);
    assert.deepEqual(timersOf(three().run({ type: 'leave' }), 'stop-timer'), all);
  });
});

describe('HS: the keys behind a peer', () => {
  it('are waited for, confirmed once and for all', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2));
    assert.equal(room.peer(BOB)?.identity, undefined);
    room.run(speaks(BOB, false));
    assert.equal(room.peer(BOB)?.identity?.isConfirmed, false);
    room.run(speaks(BOB, true), speaks(BOB, false));
    assert.equal(room.peer(BOB)?.identity?.isConfirmed, true);
  });

  it('are new, known, verified; the page hears of verification', () => {
    const room = three();
    const identified = (standing: 'new' | 'known' | 'verified'): RoomEvent => ({
      type: 'peer-identified',
      peerId: BOB,
      standing,
    });
    assert.deepEqual(momentsOf(room.run(identified('known'))), []);
    assert.deepEqual(momentsOf(room.run(identified('verified'))), [
      { type: 'verified', peerId: BOB, isVerified: true, comparison: 'remembered' },
    ]);
    assert.deepEqual(momentsOf(room.run(identified('verified'))), []);
    assert.deepEqual(momentsOf(room.run(identified('known'))), [
      { type: 'verified', peerId: BOB, isVerified: false, comparison: 'withdrawn' },
    ]);
    assert.equal(room.peer(BOB)?.identity?.standing, 'known');
  });

  it('are told loudly where another device had the name before', () => {
    const room = three();
    const moments = momentsOf(room.run({ type: 'peer-identified', peerId: BOB, standing: 'changed' }));
    assert.deepEqual(moments, [{ type: 'error', code: 'identity-changed', isRecoverable: true, peerId: BOB }]);
  });

  it('mean nothing before they are agreed, or of a stranger', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2));
    assert.deepEqual(room.run({ type: 'peer-identified', peerId: BOB, standing: 'verified' }), []);
    assert.deepEqual(room.run({ type: 'peer-doubted', peerId: CAROL, reason: 'revoked' }), []);
  });

  it('are doubted without harm to the call that stands', () => {
    const room = three();
    const moments = momentsOf(room.run({ type: 'peer-doubted', peerId: BOB, reason: 'second-handshake' }));
    assert.deepEqual(moments, [{ type: 'error', code: 'wrong-key', isRecoverable: true, peerId: BOB }]);
    const dead = momentsOf(room.run({ type: 'peer-doubted', peerId: BOB, reason: 'revoked' }));
    assert.deepEqual(dead, [{ type: 'error', code: 'wrong-key', isRecoverable: true, peerId: BOB, isRevoked: true }]);
    assert.equal(room.peer(BOB)?.isRefused, false);
  });

  it('are refused for good: the link is closed, nothing of the peer counts, it is on no roster', () => {
    const room = three();
    const effects = room.run({ type: 'peer-refused', peerId: BOB });
    assert.ok(effectOf(effects, 'close-link'));
    assert.equal(effectOf(effects, 'refuse-peer')?.peerId, BOB);
    assert.equal(momentsOf(effects).length, 1);
    assert.deepEqual(room.run({ type: 'peer-refused', peerId: BOB }), []);
    assert.deepEqual(room.run(speaks(BOB)), [{ type: 'drop', reason: 'refused-peer' }]);
    assert.deepEqual(room.run({ type: 'timer', id: `link:${BOB}` }), []);
    assert.deepEqual(room.run({ type: 'transport-changed', peerId: BOB, generation: 1, transport: 'connected' }), []);
    const told = effectOf(room.run(ANNOUNCE), 'announce-roster');
    assert.deepEqual(told?.to, [CAROL]);
  });

  it('that were refused are shown a while longer than the relay lists them, and are then gone as refused', () => {
    const refused = { type: 'peer-refused', peerId: BOB } as const;
    const unlisted = { type: 'peer-unlisted', peerId: BOB } as const;
    for (const order of [
      [refused, unlisted],
      [unlisted, refused],
    ]) {
      const room = three();
      room.run({ type: 'transport-changed', peerId: BOB, generation: 1, transport: 'connected' });
      const effects = room.run(...order);
      assert.equal(momentsOf(effects).filter(({ type }) => type === 'peer-left').length, 0);
      assert.equal(room.peer(BOB)?.isRefused, true);
      assert.equal(effects.filter((effect) => effect.type === 'start-timer' && effect.id === `gone:${BOB}`).length, 1);
      assert.deepEqual(room.run(refused), [], 'no longer for being said twice');
      const gone = room.run({ type: 'timer', id: `gone:${BOB}` });
      assert.deepEqual(momentsOf(gone), [{ type: 'peer-left', peerId: BOB, reason: 'refused' }]);
      assert.equal(room.peer(BOB), undefined);
    }
  });

  it('that were declared dead while the peer is away keep it away, and are told where it was known', () => {
    const room = three();
    const refused = { type: 'peer-refused', peerId: BOB, isRevoked: true } as const;
    room.run({ type: 'peer-unlisted', peerId: BOB }, { type: 'timer', id: `gone:${BOB}` });
    assert.equal(room.peer(BOB), undefined);
    const effects = room.run(refused);
    assert.equal(effectOf(effects, 'refuse-peer')?.peerId, BOB);
    assert.deepEqual(momentsOf(effects), [
      { type: 'error', code: 'wrong-key', isRecoverable: true, peerId: BOB, isRevoked: true },
    ]);
    assert.deepEqual(room.run(refused), []);
    assert.deepEqual(room.run(listed(BOB, 9)), [{ type: 'drop', reason: 'refused-peer' }]);
    const stranger = room.run({ type: 'peer-refused', peerId: DAVE });
    assert.deepEqual(stranger, [{ type: 'refuse-peer', peerId: DAVE }], 'nobody has seen');
    assert.deepEqual(room.run(listed(DAVE, 10)), [{ type: 'drop', reason: 'refused-peer' }]);
  });

  it('that were declared dead stand as revoked, whatever is looked up or said of them later', () => {
    const room = three();
    const moments = momentsOf(room.run({ type: 'peer-refused', peerId: BOB, isRevoked: true }));
    assert.deepEqual(moments, [
      { type: 'error', code: 'wrong-key', isRecoverable: true, peerId: BOB, isRevoked: true },
    ]);
    room.run({ type: 'peer-identified', peerId: BOB, standing: 'verified' });
    room.run({ type: 'peer-compared', peerId: BOB, isSame: true });
    assert.equal(room.peer(BOB)?.identity?.standing, 'revoked');
  });

  it('that were compared and found different stay so until they are compared and found equal', () => {
    const room = three();
    const compare = (isSame: boolean): readonly unknown[] =>
      momentsOf(room.run({ type: 'peer-compared', peerId: BOB, isSame }));
    const look = (standing: 'known' | 'verified' | 'changed'): readonly unknown[] =>
      momentsOf(room.run({ type: 'peer-identified', peerId: BOB, standing }));
    const told = { type: 'verified', peerId: BOB };
    look('verified');
    assert.deepEqual(compare(false), [{ ...told, isVerified: false, comparison: 'differ' }]);
    assert.deepEqual(compare(false), []);
    assert.deepEqual([look('known'), look('verified')], [[], []]);
    assert.equal(look('changed').length, 1, 'another device under the name is still told');
    assert.equal(room.peer(BOB)?.identity?.standing, 'differs');
    assert.deepEqual(compare(true), [{ ...told, isVerified: true, comparison: 'match' }]);
    assert.deepEqual(look('known'), [{ ...told, isVerified: false, comparison: 'withdrawn' }]);
  });

  it('hand what is said about keys and codes to those who hold them', () => {
    const room = three();
    const message = { type: 'e2ee_key_revoke', statement: 'AAAA' } as const;
    const effects = room.run({ type: 'message', from: BOB, sender: senderOf(BOB), message });
    assert.deepEqual(effects, [{ type: 'assure', from: BOB, message }]);
  });
});

describe('RO3: the verdict', () => {
  it('cannot be put off by one who keeps changing his report', () => {
    const room = connected();
    room.run(reports(CAROL, [ALICE, BOB, CAROL]), reports(BOB, [ALICE, BOB]), VERDICT);
    // Carol, inside, now says something else before every strike
    room.run(reports(CAROL, [ALICE, CAROL]));
    room.run(VERDICT);
    const { verdict, mismatches } = rosterOf(room);
    assert.deepEqual([verdict, mismatches], ['mismatch', [{ by: BOB, peerId: CAROL }]]);
  });

  it('holds no more of what a report invents than our own roster has', () => {
    const room = three();
    for (let i = 0; i < 20; i++) room.run(reports(BOB, [ALICE, BOB, peerIdOf(i + 1)]));
    assert.deepEqual([...(rosterOf(room).reports.get(BOB)?.ever ?? [])].length, 2);
  });

  it('takes the room code away as soon as somebody comes, not when that is told', () => {
    const room = three();
    room.run(ANNOUNCE, reports(BOB, [ALICE, BOB, CAROL]), reports(CAROL, [ALICE, BOB, CAROL]));
    assert.equal(rosterOf(room).isAnnounceDue, false);
    room.run(listed(peerIdOf(9), 4), speaks(peerIdOf(9)));
    assert.equal(rosterOf(room).isAnnounceDue, true);
  });
});

describe('a peer that was refused', () => {
  it('does not come back in this join, whatever the relay lists', () => {
    const room = three();
    room.run({ type: 'peer-refused', peerId: BOB }, { type: 'peer-unlisted', peerId: BOB });
    room.run({ type: 'timer', id: `gone:${BOB}` });
    assert.deepEqual(room.run(listed(BOB, 2)), [{ type: 'drop', reason: 'refused-peer' }]);
    room.run({ type: 'relay-lost' }, welcome(1, { [BOB]: 2, [CAROL]: 3 }));
    assert.equal(room.peer(BOB), undefined);
    assert.ok(room.peer(CAROL));
  });
});

describe('a handshake that is not answered', () => {
  it('and was begun anew by the other side has our roster told again', () => {
    const room = three();
    const told = effectOf(room.run({ type: 'peer-renewed', peerId: BOB }), 'announce-roster');
    assert.deepEqual([told?.to, told?.isAsking, told?.isChange], [[BOB], true, false]);
    assert.deepEqual(new StepRunner().run(join, welcome(1), { type: 'peer-renewed', peerId: BOB }), []);
  });

  it('is begun again by the newcomer, when it looks at the link once more', () => {
    const room = new StepRunner();
    room.run(join, welcome(2, { [BOB]: 1 }));
    const first = room.run({ type: 'timer', id: `link:${BOB}` });
    assert.equal(effectOf(first, 'meet-again'), undefined, 'an answer may be on its way');
    const again = room.run({ type: 'timer', id: `link:${BOB}` });
    assert.equal(effectOf(again, 'meet-again')?.peerId, BOB);
    room.run(speaks(BOB));
    assert.equal(effectOf(room.run({ type: 'timer', id: `link:${BOB}` }), 'meet-again'), undefined);
  });
});

describe('who is shown', () => {
  it('is everybody whose keys are agreed, whatever they have said: nobody reads unseen', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2));
    const moments = momentsOf(room.run(reports(BOB, [ALICE, BOB])));
    assert.deepEqual(moments, [{ type: 'peer-joined', peerId: BOB }]);
    assert.deepEqual(momentsOf(room.run(speaks(BOB))), []);
  });

  it('is one to whose keys we have spoken and who does not answer, but not whom the relay alone lists', () => {
    const room = new StepRunner();
    room.run(join, welcome(3, { [BOB]: 1, [CAROL]: 2 }));
    assert.deepEqual(momentsOf(room.run({ type: 'peer-met', peerId: BOB })), []);
    const check = (peerId: PeerId): RoomEvent => ({ type: 'timer', id: `link:${peerId}` });
    assert.deepEqual(momentsOf(room.run(check(BOB))), [{ type: 'peer-joined', peerId: BOB }]);
    assert.deepEqual(momentsOf(room.run(check(CAROL))), []);
    assert.deepEqual(room.run({ type: 'peer-met', peerId: BOB }), []);
  });

  it('hears of a leave only from those who were shown', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2));
    const leave = { type: 'message', from: BOB, sender: senderOf(BOB), message: { type: 'leave' } } as const;
    assert.deepEqual(momentsOf(room.run(leave)), []);
  });

  it('is told of a change though somebody comes and goes without a pause', () => {
    const room = new StepRunner();
    room.run(join, welcome(1), listed(BOB, 2), listed(CAROL, 3));
    assert.ok(timersOf(room.run(speaks(BOB))).includes('roster-announce'));
    assert.ok(!timersOf(room.run(speaks(CAROL))).includes('roster-announce'), 'the one that runs is not put off');
    room.run(ANNOUNCE);
    const leave = { type: 'message', from: CAROL, sender: senderOf(CAROL), message: { type: 'leave' } } as const;
    assert.ok(timersOf(room.run(leave)).includes('roster-announce'));
  });
});
