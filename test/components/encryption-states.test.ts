/** What is true about each peer's keys, and about the room's: in words, marks, CSS states, events, and loud where it has to be. */
import { roomEncryption } from '../../src/components/internal/encryption.ts';
import { EMPTY_VIEW, withToast } from '../../src/components/internal/store-state.ts';
import type { Toast } from '../../src/components/internal/store-state.ts';
import type { ParticipantView, PeerEncryption, SessionView } from '../../src/engine/index.ts';
import { equal, ok, same, throws, until } from './assert.ts';
import { ROOM_CODE, identity, participant, peerId, safetyNumber } from './fake-session.ts';
import {
  accessible,
  button,
  clear,
  deepElements,
  find,
  findAll,
  joined,
  mount,
  place,
  settle,
  texts,
} from './helpers.ts';
import type { Mounted } from './helpers.ts';

const STATES: readonly PeerEncryption[] = [
  ...(['waiting-key', 'encrypted', 'verified', 'codes-differ', 'wrong-key', 'unsupported'] as const),
];
const CHANGED = { identity: identity(1, { standing: 'changed' }) } as const;

async function call(...peers: readonly Partial<ParticipantView>[]): Promise<Mounted> {
  const mounted = await joined(1);
  peers.forEach((peer, index) => mounted.session.meet(participant(index + 1, peer)));
  await settle(mounted.room);
  return mounted;
}

async function unfolded(...peers: readonly Partial<ParticipantView>[]): Promise<Mounted> {
  const mounted = await call(...peers);
  find(mounted.room, '.pill').click();
  await settle(mounted.room);
  return mounted;
}

function facts(room: Element): Record<string, string> {
  return Object.fromEntries(findAll(room, '[data-fact]').map((item) => [item.dataset['fact'] ?? '', item.className]));
}

function pill(room: Element): string {
  return find(room, '.pill').textContent.trim();
}

function shieldStates(room: Element): readonly string[] {
  const shield = find(room, 'tai-privacy-shield');
  return ['encrypted', 'verified', 'private', 'warning'].filter((state) => shield.matches(`:state(${state})`));
}

function toasts(room: Element): readonly string[] {
  return findAll(room, '.toast').map((toast) => toast.textContent.trim());
}

describe('the word for a room', () => {
  const overall = (states: readonly PeerEncryption[], change: Partial<SessionView['encryption']> = {}): string => {
    const participants = states.map((encryption, index) => participant(index + 1, { encryption }));
    const isVerified = states.length > 0 && states.every((state) => state === 'verified');
    const known = { isSignallingSealed: true, roster: 'consistent', isVerified } as const;
    const encryption = { ...EMPTY_VIEW.encryption, ...known, ...change };
    return roomEncryption({ ...EMPTY_VIEW, phase: 'joined', participants, encryption }).overall;
  };

  it('is the worst that is true of anybody', () => {
    equal(overall([]), 'alone', 'there is nobody to have keys with');
    equal(overall(['encrypted', 'verified']), 'encrypted');
    equal(overall(['verified', 'verified']), 'verified');
    equal(overall(['verified', 'waiting-key']), 'waiting-key');
    equal(overall(['waiting-key', 'unsupported']), 'unsupported');
    equal(overall(['unsupported', 'codes-differ', 'verified']), 'codes-differ');
    equal(overall(['unsupported', 'codes-differ', 'wrong-key', 'verified']), 'wrong-key');
  });

  it('is not “verified” where it is in doubt who is here', () => {
    equal(overall(['verified'], { roster: 'consistent' }), 'verified');
    equal(overall(['verified'], { roster: 'mismatch' }), 'encrypted');
    equal(overall(['verified'], { roster: 'settling' }), 'encrypted', 'not all have said whom they see');
    equal(overall(['verified'], { isVerified: false }), 'encrypted', 'the engine’s own word');
  });

  it('is not “encrypted” where anyone can step between, unless all have compared', () => {
    equal(overall([], { roomKind: 'open' }), 'open-room');
    equal(overall(['encrypted'], { roomKind: 'open' }), 'open-room');
    equal(overall(['verified'], { roomKind: 'open' }), 'verified');
  });

  it('is none where nothing is sealed, and outside a call', () => {
    equal(overall(['verified'], { isSignallingSealed: false }), 'none');
    equal(roomEncryption(EMPTY_VIEW).overall, 'none');
  });
});

describe('<tai-participant> marks', () => {
  beforeEach(clear);
  after(clear);

  for (const [state, name] of [
    ['waiting-key', 'Agreeing on keys'],
    ['encrypted', 'Encrypted'],
    ['verified', 'Verified'],
    ['codes-differ', 'Codes differ'],
    ['wrong-key', 'Wrong keys'],
    ['unsupported', 'Cannot encrypt'],
  ] as const) {
    it(`${state}, accessibly, by itself`, async () => {
      const tile = document.createElement('tai-participant');
      tile.name = 'Ana';
      tile.setAttribute('encryption', state);
      document.body.append(tile);
      await tile.updateComplete;
      const mark = find(tile, '.mark');
      equal(mark.getAttribute('aria-label'), name);
      equal(mark.getAttribute('role'), 'img', 'no button outside a room');
      same(
        [...STATES, 'changed'].filter((each) => tile.matches(`:state(${each})`)),
        [state],
      );
      await accessible(tile);
    });

    it(`${state}, accessibly, in a room`, async () => {
      const { room } = await call({ name: 'Ana', encryption: state });
      const mark = find(room, 'tai-participant:not([self])').shadowRoot?.querySelector('.mark');
      const ways: { readonly [State in PeerEncryption]?: string } = {
        encrypted: '. Verify Ana',
        verified: '. Compare again with Ana',
        'codes-differ': '. Compare again with Ana',
      };
      equal(mark?.localName, ways[state] ? 'button' : 'span');
      equal(mark?.getAttribute('aria-label'), name + (ways[state] ?? ''));
      await accessible(room);
    });
  }

  it('another device than before, loud and still to be compared', async () => {
    const { room } = await call({ name: 'Ana', ...CHANGED });
    const tile = find(room, 'tai-participant:not([self])');
    ok(tile.matches(':state(changed)') && !tile.matches(':state(encrypted)'), 'its state');
    equal(find(tile, 'button.mark').getAttribute('aria-label'), 'New device. Verify Ana');
    await accessible(room);
  });

  it('wrong keys over all the tile, aloud too', async () => {
    const { room, session } = await call({ name: 'Ana', link: 'failed' });
    session.change(peerId(1), { encryption: 'wrong-key' });
    await settle(room);
    const tile = find(room, 'tai-participant:not([self])');
    ok(texts(tile).includes('Wrong keys: not shown'), texts(tile));
    ok(!texts(tile).includes('Connection lost'), 'not as if it were the network');
    ok(find(tile, '[role=group]').getAttribute('aria-label')?.includes('Wrong keys'), 'in its name');
  });

  it('nothing on ourselves, nor where nothing is said, nor for a word that is none', async () => {
    const { room } = await call();
    equal(find(room, 'tai-participant[self]').shadowRoot?.querySelector('.mark'), null);
    for (const word of ['', 'perfect', 'constructor']) {
      const tile = document.createElement('tai-participant');
      tile.setAttribute('encryption', word);
      document.body.append(tile);
      await tile.updateComplete;
      equal(tile.shadowRoot?.querySelector('.mark'), null, word);
    }
  });

  it('follow the peer', async () => {
    const { room, session } = await call({ encryption: 'waiting-key', identity: undefined });
    const tile = find(room, 'tai-participant:not([self])');
    for (const encryption of STATES) {
      session.change(peerId(1), { encryption });
      await settle(room);
      same(
        STATES.filter((state) => tile.matches(`:state(${state})`)),
        [encryption],
      );
    }
  });
});

describe('<tai-privacy-shield> tells', () => {
  beforeEach(clear);
  after(clear);

  it('each one’s state in words, with a way to compare where there are keys', async () => {
    const { room } = await unfolded(
      ...STATES.map((encryption, index) => ({ name: `Peer ${index}`, encryption })),
      ...[{ name: 'Mia', ...CHANGED }],
    );
    same(
      findAll(room, '[data-peer]').map((item) => [
        item.querySelector('bdi')?.textContent,
        item.querySelector('.state')?.textContent.trim(),
        item.querySelector('button')?.getAttribute('aria-label'),
      ]),
      [
        ['Peer 0', 'Agreeing on keys', undefined],
        ['Peer 1', 'Encrypted', 'Verify Peer 1'],
        ['Peer 2', 'Verified', 'Compare again with Peer 2'],
        ['Peer 3', 'Codes differ', 'Compare again with Peer 3'],
        ['Peer 4', 'Wrong keys', undefined],
        ['Peer 5', 'Cannot encrypt', undefined],
        ['Mia', 'New device', 'Verify Mia'],
      ],
    );
    await accessible(room);
  });

  it('that keys are agreed, and that frames are not sealed a second time', async () => {
    const { room } = await unfolded({});
    same(facts(room), {
      keys: 'kept',
      signalling: 'kept',
      link: 'kept',
      verified: 'known',
      media: 'kept',
      frames: 'kept',
      address: 'known',
      relay: 'known',
    });
    ok(texts(room).includes('post-quantum ML-KEM-768'), 'by what');
    ok(texts(room).includes('Every frame is sealed for its receiver'), 'and the frames');
    same(shieldStates(room), ['encrypted']);
  });

  it('whom codes were compared with', async () => {
    const { room, session } = await unfolded({}, { encryption: 'verified' });
    session.encrypt({ roster: 'consistent' });
    await settle(room);
    ok(texts(room).includes('Codes compared with 1 of 2'), texts(room));
    equal(facts(room)['verified'], 'known');
    session.verified(peerId(1));
    await settle(room);
    ok(texts(room).includes('Codes compared with everybody here'), texts(room));
    equal(facts(room)['verified'], 'kept');
    equal(pill(room), 'Private, verified');
    same(shieldStates(room), ['encrypted', 'verified']);
    await accessible(room);
  });

  it('that all see the same people, once they have said so', async () => {
    const { room, session } = await unfolded({});
    ok(!('roster' in facts(room)), 'not before');
    session.encrypt({ roster: 'consistent', roomCode: ROOM_CODE });
    await settle(room);
    equal(facts(room)['roster'], 'kept');
  });

  it('of one who has not shown keys only that, and what may have gone to that device', async () => {
    const { room, session } = await unfolded({ name: 'Ana' }, { encryption: 'waiting-key', identity: undefined });
    session.encrypt({ roster: 'consistent', isKeyAgreed: false });
    await settle(room);
    ok(!texts(room).includes('You all see the same people'), 'who has not said so is on the screen');
    ok(texts(room).includes('Not everybody here has shown their keys'), texts(room));
    equal(facts(room)['roster'], 'known');
    equal(facts(room)['keys'], 'known');
    ok(texts(room).includes('Your name and network address may already have been sent'), texts(room));
    ok(!texts(room).includes('Nothing is sent'), 'an offer is');
    await accessible(room);
    session.change(peerId(2), { encryption: 'encrypted', identity: identity(2) });
    session.encrypt({ isKeyAgreed: true });
    await settle(room);
    equal(facts(room)['roster'], 'kept');
    equal(facts(room)['keys'], 'kept');
  });

  it('of one who was refused not that keys are being agreed, nor that all see the same people', async () => {
    const { room, session } = await unfolded({ name: 'Ana' }, { encryption: 'wrong-key' });
    session.encrypt({ roster: 'consistent', isKeyAgreed: false });
    await settle(room);
    ok(!('keys' in facts(room)) && !('roster' in facts(room)), Object.keys(facts(room)).join());
    equal(facts(room)['wrong-key'], 'alarm');
  });

  it('loudly that they do not, and by name whom one does not see', async () => {
    const { room, session } = await unfolded({ name: 'Ana' }, { name: 'Bob', encryption: 'verified' });
    session.encrypt({ roster: 'mismatch', mismatches: [{ by: peerId(1), peerId: peerId(2) }] });
    await settle(room);
    equal(facts(room)['mismatch'], 'alarm');
    ok(texts(room).includes('Ana does not see Bob.'), texts(room));
    equal(pill(room), 'Warning');
    same(shieldStates(room), ['encrypted', 'warning']);
    await accessible(room);
    session.encrypt({ mismatches: [{ by: peerId(2), peerId: peerId(0) }] });
    await settle(room);
    ok(texts(room).includes('Bob does not see you.'), texts(room));
    session.encrypt({ mismatches: [{ by: peerId(2), peerId: peerId(77) }] });
    await settle(room);
    ok(texts(room).includes('Bob sees somebody whom you do not see.'), texts(room));
  });

  it('loudly of another device, and of wrong keys, first of all', async () => {
    const { room } = await unfolded({ name: 'Ana', ...CHANGED }, { name: 'Mallory', encryption: 'wrong-key' });
    same(Object.keys(facts(room)).slice(0, 2), ['changed', 'wrong-key']);
    ok(texts(room).includes('Ana has another device than before'), texts(room));
    ok(texts(room).includes('The keys of Mallory are wrong'), texts(room));
    equal(pill(room), 'Warning');
    same(shieldStates(room), ['warning']);
    await accessible(room);
  });

  it('that addresses are hidden, where they are', async () => {
    const { room, session } = await unfolded({});
    session.encrypt({ isAddressHidden: true });
    await settle(room);
    equal(facts(room)['address'], 'kept');
    same(shieldStates(room), ['encrypted', 'private']);
  });

  it('nothing about people before there are any', async () => {
    const { room, session } = await mount();
    session.enter();
    session.encrypt({ isKeyAgreed: true, roster: 'consistent' });
    find(room, '.pill').click();
    await settle(room);
    equal(findAll(room, 'ul.people, .compare').length, 0);
    // true of everybody, and of nobody
    ok(!('keys' in facts(room)) && !('roster' in facts(room)), 'no claim');
  });

  it('the same at the side, where it stands open, and opens the dialog from there', async () => {
    const { room } = await call({ name: 'Ana' });
    const shield = document.createElement('tai-privacy-shield');
    shield.slot = 'side';
    room.append(shield);
    await until(() => findAll(shield, '[data-peer] button').length === 1, 'the list');
    await accessible(room);
    button(shield, 'Compare the room code').click();
    await until(() => deepElements(room).some((element) => element.matches('dialog[open]')), 'the dialog');
  });
});

describe('<tai-room> and keys', () => {
  beforeEach(clear);
  after(clear);

  it('stands for it in CSS', async () => {
    const { room, session } = await call({});
    session.encrypt({ roster: 'consistent' });
    const states = (): readonly string[] =>
      ['encrypted', 'verified'].filter((state) => room.matches(`:state(${state})`));
    same(states(), ['encrypted']);
    session.verified(peerId(1));
    await settle(room);
    same(states(), ['encrypted', 'verified']);
    session.meet(participant(2, { encryption: 'waiting-key', identity: undefined }));
    await settle(room);
    same(states(), []);
  });

  it('gives the state of each, and the code of all', async () => {
    const { room, session } = await call({}, { encryption: 'verified' });
    same(
      [...room.encryption.peers],
      [
        [peerId(1), 'encrypted'],
        [peerId(2), 'verified'],
      ],
    );
    equal(room.roomCode, undefined);
    session.encrypt({ roomCode: ROOM_CODE });
    equal(room.roomCode, ROOM_CODE);
  });

  it('verifies, and tells when it is true', async () => {
    const { room, session, events } = await call({ name: 'Ana' });
    session.encrypt({ roster: 'consistent' });
    const told: unknown[] = [];
    room.addEventListener('tai-verify', (event) =>
      told.push([event.peerId, event.isVerified, event.comparison, room.encryption.overall]),
    );
    room.verify(peerId(1));
    room.verify(peerId(1), false);
    same(session.commands.slice(-2), [
      { type: 'set-verified', peerId: peerId(1), isVerified: true },
      { type: 'set-verified', peerId: peerId(1), isVerified: false },
    ]);
    same(told, []);
    session.verified(peerId(1));
    await settle(room);
    const status = room.shadowRoot?.querySelector('p[role=status].visually-hidden');
    equal(status?.textContent, 'Ana is verified');
    session.verified(peerId(1), false);
    await settle(room);
    equal(status?.textContent, 'Ana is no longer verified');
    same(told, [
      [peerId(1), true, 'match', 'verified'],
      [peerId(1), false, 'withdrawn', 'encrypted'],
    ]);
    same(
      events.filter((type) => type.startsWith('tai-verify')),
      ['tai-verify', 'tai-verify'],
    );
  });

  it('passes on number, log, rotation and revocation', async () => {
    const { room, session } = await call({});
    same(await room.safetyNumber(peerId(1)), safetyNumber(peerId(1)));
    equal(room.exportAuditLog(), '{"n":0}\n');
    await room.rotateKey();
    await room.revokeKey();
    same(session.keyCalls, ['rotate', 'revoke']);
  });

  it('none of that before the room is known', async () => {
    const room = document.createElement('tai-room');
    throws(() => room.verify(peerId(1)), 'usage');
    throws(() => room.exportAuditLog(), 'usage');
    for (const ask of [() => room.safetyNumber(peerId(1)), () => room.rotateKey(), () => room.revokeKey()]) {
      let code: unknown;
      await ask().catch((error: { code: unknown }) => (code = error.code));
      equal(code, 'usage');
    }
    equal(room.roomCode, undefined);
  });

  it('keeps the keys of a device where it is asked to, and a guest’s nowhere', async () => {
    const guest = await mount();
    equal(guest.session.options.identity, undefined);
    const device = await mount((room) => room.setAttribute('identity', 'device'));
    equal(device.session.options.identity, 'device');
    device.room.identity = 'guest';
    const next = await until(() => device.engine.sessions[1], 'another session');
    equal(next.options.identity, undefined);
  });

  it('does not connect as a guest who asks for an identity that it does not know', async () => {
    const { room, engine } = place((element) => element.setAttribute('identity', 'wallet'));
    await until(() => texts(room).includes('does not connect'), 'the sentence');
    throws(() => room.join(), 'usage');
    equal(engine.sessions.length, 0);
    await accessible(room);
  });

  for (const [code, sentence] of [
    ['wrong-key', 'What comes in the name of Ana is under wrong keys'],
    ['identity-changed', 'Ana is here with another device'],
    ['roster-mismatch', 'You do not all see the same people'],
  ] as const) {
    it(`puts ${code} into words that stay, and tells whom it is about`, async () => {
      const { room, session } = await call({ name: 'Ana' });
      const about: unknown[] = [];
      room.addEventListener('tai-error', (event) => about.push([event.code, event.peerId]));
      const isOne = code !== 'roster-mismatch';
      session.tell({ type: 'error', code, isRecoverable: true, ...(isOne && { peerId: peerId(1) }) });
      for (const other of ['relay-unreachable', 'too-large', 'rate-limited', 'peer-unreachable'] as const) {
        session.tell({ type: 'error', code: other, isRecoverable: true });
      }
      await settle(room);
      same(about[0], [code, isOne ? peerId(1) : undefined]);
      ok(toasts(room)[0]?.startsWith(sentence), toasts(room).join());
      equal(toasts(room).length, 3);
      ok(find(room, '.toast').matches('.alarm'), 'loud');
      await accessible(room);
    });
  }

  it('words about nobody in particular have no hole in them', async () => {
    const { room, session } = await call({});
    session.tell({ type: 'error', code: 'wrong-key', isRecoverable: true });
    await settle(room);
    ok(toasts(room)[0]?.includes('in the name of somebody'), toasts(room).join());
  });

  it('messages: each sentence once, alarms before others, never more than there is room for', () => {
    let shown: readonly Toast[] = [];
    const add = (text: string, isAlarm = false): void => {
      shown = withToast(shown, text, { isAlarm });
    };
    for (const text of ['a', 'b', 'a', 'c', 'd']) add(text);
    same(
      shown.map(({ text }) => text),
      ['a', 'c', 'd'],
    );
    for (const text of ['A', 'B', 'C', 'D']) add(text, true);
    add('e');
    same(
      shown.map(({ text }) => text),
      ['B', 'C', 'D', 'e'],
    );
    equal(new Set(shown.map(({ id }) => id)).size, shown.length, 'ids');
  });
});
