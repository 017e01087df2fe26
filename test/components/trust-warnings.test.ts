/** What must not be overlooked, nor blink, nor stay when it is over: refused, revoked, different, and a code that changes. */
import { equal, ok, rejects, same, throws, until } from './assert.ts';
import { ROOM_CODE, identity, participant, peerId } from './fake-session.ts';
import { accessible, button, clear, deepElements, find, findAll, joined, place, settle, texts } from './helpers.ts';
import type { Mounted } from './helpers.ts';

const NEW_CODE = { ...ROOM_CODE, digits: '9'.repeat(30) };

async function call(): Promise<Mounted> {
  const mounted = await joined(1);
  mounted.session.meet(participant(1, { name: 'Ana' }));
  mounted.session.encrypt({ roomCode: ROOM_CODE, roster: 'consistent' });
  await settle(mounted.room);
  return mounted;
}

async function comparing(): Promise<Mounted> {
  const mounted = await call();
  find(mounted.room, '.pill').click();
  await settle(mounted.room);
  button(mounted.room, 'Compare the room code').click();
  await until(() => deepElements(mounted.room).some((element) => element.matches('dialog[open]')), 'the dialog');
  await settle(mounted.room);
  return mounted;
}

function tile(room: Element): HTMLElement {
  return find(room, 'tai-participant:not([self])');
}

function pill(room: Element): string {
  return find(room, '.pill').textContent.trim();
}

function toasts(room: Element): readonly string[] {
  return findAll(room, '.toast').map((toast) => toast.textContent.trim());
}

function spoken(room: Mounted['room']): string {
  return room.shadowRoot?.querySelector('p[role=status].visually-hidden')?.textContent ?? '';
}

/** Empty while it is hidden. */
function note(room: Element): string {
  return findAll(room, 'dialog [role=status]')[0]?.textContent.trim() ?? '';
}

describe('keys that were revoked', () => {
  beforeEach(clear);
  after(clear);

  it('are shown at tile, shield and in a message, accessibly', async () => {
    const { room, session } = await call();
    session.revoke(peerId(1));
    await settle(room);
    ok(tile(room).matches(':state(revoked)') && !tile(room).matches(':state(encrypted)'), 'its CSS state');
    ok(texts(tile(room)).includes('Keys revoked: connection closed'), texts(tile(room)));
    equal(room.encryption.overall, 'wrong-key');
    equal(pill(room), 'Warning');
    find(room, '.pill').click();
    await settle(room);
    ok(texts(room).includes('The keys of Ana were revoked'), texts(room));
    ok(toasts(room)[0]?.startsWith('Ana was refused'), toasts(room).join());
    await accessible(room);
  });

  it('are told in events that say why', async () => {
    const { room, session } = await call();
    const told: unknown[] = [];
    room.addEventListener('tai-error', (event) => told.push([event.code, event.detail, event.peerId]));
    room.addEventListener('tai-encryption-change', (event) => told.push([event.peerId, event.state]));
    session.revoke(peerId(1));
    same(told, [
      [peerId(1), 'wrong-key'],
      ['wrong-key', 'revoked', peerId(1)],
    ]);
  });

  it('stay to be read when the peer is gone, which is told as a refusal', async () => {
    const { room, session } = await call();
    let reason = '';
    room.addEventListener('tai-peer-leave', (event) => (reason = event.reason));
    session.revoke(peerId(1));
    session.part(peerId(1), 'refused');
    await settle(room);
    equal(reason, 'refused');
    equal(spoken(room), 'Ana was refused');
    ok(toasts(room)[0]?.startsWith('Ana was refused'), toasts(room).join());
    equal(pill(room), 'Private room');
    button(room, 'Dismiss').click();
    await settle(room);
    equal(toasts(room).length, 0);
  });
});

describe('codes that differ', () => {
  beforeEach(clear);
  after(clear);

  it('are shown at tile and shield, also with the dialog closed, accessibly', async () => {
    const { room, session } = await call();
    session.verified(peerId(1));
    session.differs(peerId(1));
    await settle(room);
    equal(pill(room), 'Warning');
    ok(find(room, 'tai-privacy-shield').matches(':state(warning)'), 'the shield in CSS');
    ok(!room.matches(':state(verified)') && !room.matches(':state(encrypted)'), 'no claim');
    equal(find(tile(room), 'button.mark').getAttribute('aria-label'), 'Codes differ. Compare again with Ana');
    equal(spoken(room), 'Your codes and those of Ana are different');
    equal(room.encryption.overall, 'codes-differ');
    equal(room.encryption.peers.get(peerId(1)), 'codes-differ');
    find(room, '.pill').click();
    await settle(room);
    ok(texts(room).includes('Say nothing private here'), texts(room));
    await accessible(room);
  });

  it('are told in events', async () => {
    const { room, session } = await call();
    const told: unknown[] = [];
    room.addEventListener('tai-verify', (event) => told.push([event.peerId, event.isVerified, event.comparison]));
    room.addEventListener('tai-encryption-change', (event) => told.push([event.peerId, event.state, event.overall]));
    session.differs(peerId(1));
    same(told, [
      [peerId(1), 'codes-differ', 'codes-differ'],
      [peerId(1), false, 'differ'],
    ]);
  });

  it('can be compared again, with the warning in sight', async () => {
    const { room, session } = await call();
    session.differs(peerId(1));
    await settle(room);
    find(tile(room), 'button.mark').click();
    await until(() => findAll(room, '.digits').length === 1, 'the number');
    await settle(room);
    ok(find(room, 'dialog [role=alert]').textContent.includes('are different'), 'the warning');
    await accessible(room);
    button(room, 'They match').click();
    same(session.commands.slice(-1), [{ type: 'set-verified', peerId: peerId(1), isVerified: true }]);
    session.verified(peerId(1));
    await settle(room);
    equal(pill(room), 'Private, verified');
  });

  it('are reported by a page with a dialog of its own', async () => {
    const { room, session } = await call();
    room.reportDifference(peerId(1));
    same(session.commands.slice(-1), [{ type: 'report-difference', peerIds: [peerId(1)] }]);
  });
});

describe('a room code that changes while it is read', () => {
  beforeEach(clear);
  after(clear);

  it('says who came, and takes no “They match” before the reader goes on with the new one', async () => {
    const { room, session } = await comparing();
    equal(note(room), '');
    session.meet(participant(2, { name: 'Zoe' }));
    session.encrypt({ roomCode: undefined, roster: 'settling' });
    await settle(room);
    equal(note(room), 'Zoe joined. The code is being made anew.');
    session.encrypt({ roomCode: NEW_CODE, roster: 'consistent' });
    await settle(room);
    equal(note(room), 'Zoe joined. The code is another one now. Read it out from the start.');
    await accessible(room);
    const match = button(room, 'They match');
    equal(match.getAttribute('aria-disabled'), 'true');
    match.click();
    equal(session.count('set-verified'), 0, 'locked');
    button(room, 'Go on with the new code').click();
    await settle(room);
    equal(note(room), '');
    equal(findAll(room, '[aria-disabled]').length, 0);
    button(room, 'They match').click();
    equal(session.count('set-verified'), 2);
  });

  it('keeps “They do not match” open at any time', async () => {
    const { room, session } = await comparing();
    session.encrypt({ roomCode: NEW_CODE });
    await settle(room);
    equal(note(room), 'The code is another one now. Read it out from the start.');
    button(room, 'They do not match').click();
    equal(session.count('report-difference'), 1);
  });

  it('says who went', async () => {
    const { room, session } = await comparing();
    session.meet(participant(2, { name: 'Zoe' }));
    session.encrypt({ roomCode: NEW_CODE });
    await settle(room);
    button(room, 'Go on with the new code').click();
    session.part(peerId(2), 'left');
    session.encrypt({ roomCode: ROOM_CODE });
    await settle(room);
    ok(note(room).startsWith('Zoe left. The code is another one now.'), note(room));
  });

  it('that comes back as it was is the one that was read', async () => {
    const { room, session } = await comparing();
    session.encrypt({ roomCode: undefined, roster: 'settling' });
    await settle(room);
    session.encrypt({ roomCode: ROOM_CODE, roster: 'consistent' });
    await settle(room);
    equal(note(room), '');
    equal(findAll(room, '[aria-disabled]').length, 0);
  });

  it('keeps the focus where it was', async () => {
    const { room, session } = await comparing();
    const match = button(room, 'They match');
    match.focus();
    session.encrypt({ roomCode: NEW_CODE });
    await settle(room);
    const root = match.getRootNode();
    equal(root instanceof ShadowRoot ? root.activeElement : null, match);
    ok(match.matches('[aria-disabled]'), 'though it is locked');
  });
});

describe('messages', () => {
  beforeEach(clear);
  after(clear);

  it('cover neither pill nor badges at 320 px, and leave room for the people', async () => {
    const { room, session } = await call();
    const frame = document.createElement('div');
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('.narrow { inline-size: 320px }');
    document.adoptedStyleSheets.push(sheet);
    try {
      frame.className = 'narrow';
      document.body.append(frame);
      frame.append(room);
      await settle(room);
      session.revoke(peerId(1));
      session.tell({ type: 'error', code: 'roster-mismatch', isRecoverable: true });
      session.tell({ type: 'error', code: 'identity-changed', isRecoverable: true, peerId: peerId(1) });
      await settle(room);
      const shown = findAll(room, '.toast').map((toast) => toast.getBoundingClientRect());
      equal(shown.length, 3);
      const list = find(room, '.toasts').getBoundingClientRect();
      for (const under of [find(room, '.pill'), find(tile(room), '.mark'), find(room, 'tai-controls')]) {
        const { top, bottom } = under.getBoundingClientRect();
        ok(bottom <= list.top || top >= list.bottom, `${under.className} lies under a message`);
      }
      const { height } = find(room, '.stage').getBoundingClientRect();
      ok(height >= 120, `${height} px for the people`);
      await accessible(room);
    } finally {
      document.adoptedStyleSheets.pop();
    }
  });

  const error = (code: 'identity-changed' | 'roster-mismatch' | 'relay-unreachable' | 'wrong-key', peer?: number) =>
    ({ type: 'error', code, isRecoverable: true, ...(peer !== undefined && { peerId: peerId(peer) }) }) as const;

  it('about another device go when codes were compared, not with the person', async () => {
    const { room, session } = await call();
    session.meet(participant(2));
    for (const number of [1, 2]) {
      session.change(peerId(number), { identity: identity(number, { standing: 'changed' }) });
      session.tell(error('identity-changed', number));
    }
    session.part(peerId(2), 'left');
    await settle(room);
    equal(toasts(room).length, 2);
    session.verified(peerId(1));
    await settle(room);
    equal(toasts(room).length, 1);
    ok(toasts(room)[0]?.includes('Peer 2'), toasts(room).join());
    session.exit();
    session.show({ phase: 'joining' });
    await settle(room);
    equal(toasts(room).length, 0, 'another call');
  });

  it('about another device stay where codes differ already', async () => {
    const { room, session } = await call();
    session.differs(peerId(1));
    session.tell(error('identity-changed', 1));
    session.change(peerId(1), { microphone: undefined });
    await settle(room);
    equal(toasts(room).length, 1);
  });

  it('about somebody verified before stay until they are dismissed', async () => {
    const { room, session } = await call();
    session.verified(peerId(1));
    session.tell(error('wrong-key', 1));
    session.change(peerId(1), { microphone: undefined });
    await settle(room);
    equal(toasts(room).length, 1);
    session.verified(peerId(1), false);
    session.verified(peerId(1));
    await settle(room);
    equal(toasts(room).length, 1, 'which may be the same keys found again, not codes compared again');
    button(room, 'Dismiss').click();
    await settle(room);
    equal(toasts(room).length, 0);
  });

  it('about lists of people go when all see the same again; about the relay, when it is back', async () => {
    const { room, session } = await call();
    session.encrypt({ roster: 'mismatch' });
    session.tell(error('roster-mismatch'));
    session.show({ phase: 'reconnecting' });
    session.tell(error('relay-unreachable'));
    await settle(room);
    equal(toasts(room).length, 2);
    session.encrypt({ roster: 'consistent' });
    await settle(room);
    ok(toasts(room)[0]?.startsWith('The relay'), toasts(room).join());
    session.show({ phase: 'joined' });
    await settle(room);
    equal(toasts(room).length, 0);
  });

  it('about revoked keys go when codes were compared with who came back, and by nothing that was only remembered', async () => {
    const { room, session } = await call();
    session.revoke(peerId(1));
    session.meet(participant(2, { name: 'Ben' }));
    session.meet(participant(3, { name: 'Ana' }));
    await settle(room);
    equal(toasts(room).length, 1);
    session.verified(peerId(2));
    session.verified(peerId(3), true, 'remembered');
    await settle(room);
    equal(toasts(room).length, 1, 'somebody else, and who was known before');
    session.verified(peerId(3));
    await settle(room);
    equal(toasts(room).length, 0, 'Ana is back, and compared');
  });

  it('about somebody who cannot be reached name whom, and go with that one', async () => {
    const { room, session } = await call();
    const told: unknown[] = [];
    room.addEventListener('tai-error', ({ code, peerId: whom }) => told.push([code, whom]));
    session.meet(participant(2, { name: 'Ben', link: 'connecting' }));
    session.change(peerId(1), { link: 'connecting' });
    for (const number of [1, 2])
      session.tell({ type: 'error', code: 'peer-unreachable', isRecoverable: true, peerId: peerId(number) });
    await settle(room);
    same(
      told,
      [1, 2].map((number) => ['peer-unreachable', peerId(number)]),
    );
    same(
      toasts(room).map((text) => text.split(' cannot')[0]),
      ['Ana', 'Ben'],
    );
    session.change(peerId(1), { link: 'connected' });
    await settle(room);
    same(
      toasts(room).map((text) => text.split(' cannot')[0]),
      ['Ben'],
      'Ana is there',
    );
    session.part(peerId(2), 'connection-lost');
    await settle(room);
    equal(toasts(room).length, 0, 'Ben is given up');
  });

  it('about wrong keys go when codes were compared, not with the person', async () => {
    const { room, session } = await call();
    session.meet(participant(2));
    session.tell(error('wrong-key', 1));
    session.tell(error('wrong-key', 2));
    session.part(peerId(2), 'left');
    await settle(room);
    equal(toasts(room).length, 2);
    session.verified(peerId(1));
    await settle(room);
    equal(toasts(room).length, 1);
    session.exit();
    session.show({ phase: 'joining' });
    await settle(room);
    equal(toasts(room).length, 0, 'another call');
  });
});

describe('misuse is told', () => {
  beforeEach(clear);
  after(clear);

  it('of who is not here, and of who has no keys', async () => {
    const { room, session } = await call();
    session.meet(participant(2, { encryption: 'waiting-key', identity: undefined }));
    throws(() => room.verify(peerId(9)), 'usage');
    throws(() => room.verify(peerId(2)), 'usage');
    throws(() => room.reportDifference(peerId(2)), 'usage');
    await rejects(() => room.safetyNumber(peerId(9)), 'usage');
    equal(session.commands.filter(({ type }) => type === 'set-verified').length, 0);
  });

  for (const [attribute, value] of [
    ['e2ee', 'off'],
    ['identity', 'wallet'],
  ] as const) {
    it(`${attribute}, with the name of what was asked for`, async () => {
      const details: (string | undefined)[] = [];
      const { room } = place((element) => {
        element.addEventListener('tai-error', ({ code, detail }) => details.push(code, detail));
        element.setAttribute(attribute, value);
      });
      await until(() => details.length > 0, 'the error');
      equal(details[0], 'usage');
      ok(details[1]?.startsWith(`${attribute}: `), `${details[1]}`);
      await settle(room);
      await accessible(room);
    });
  }
});

describe('the focus on a tile', () => {
  beforeEach(clear);
  after(clear);

  it('is drawn inside what the tile cuts off', async () => {
    const { room } = await call();
    const mark = find(tile(room), 'button.mark');
    find(room, '.pill').focus();
    mark.focus({ focusVisible: true } as FocusOptions);
    const { outlineOffset, outlineWidth, outlineStyle } = getComputedStyle(mark);
    equal(outlineStyle, 'solid');
    ok(Number.parseFloat(outlineOffset) <= -Number.parseFloat(outlineWidth), `${outlineOffset} of ${outlineWidth}`);
  });
});
