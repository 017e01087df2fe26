/** PR: hidden addresses as the page asks for them, and as it is told of them. */
import { participant } from './fake-session.ts';
import { equal, ok, same, throws } from './assert.ts';
import { accessible, button, clear, find, findAll, joined, mount, settle, texts } from './helpers.ts';

function facts(room: Element): Record<string, string> {
  const items = findAll(room, '[data-fact]');
  return Object.fromEntries(items.map((item) => [item.dataset['fact'] ?? '', item.className]));
}

const isPrivate = (element: Element): boolean => element.matches(':state(private)');

describe('<tai-room private>', () => {
  beforeEach(clear);
  after(clear);

  it('makes a session that hides, says so in its states, and in the shield exactly what is hidden from whom', async () => {
    const { room, session } = await mount((element) => element.setAttribute('private', ''));
    equal(session.options.private, true);
    button(room, 'Private room').click();
    session.encrypt({ iceHosts: 1, iceHostNames: ['turn.example'] });
    await settle(room);
    ok(isPrivate(room) && isPrivate(find(room, 'tai-privacy-shield')), 'both states');
    equal(facts(room)['address'], 'kept');
    ok(texts(room).includes('Your IP address is hidden from the others'), texts(room));
    ok(texts(room).includes('It and the relay see your address, the people here do not'), texts(room));
    ok(texts(room).includes('Here: turn.example.'), 'which host');
    await accessible(room);
  });

  it('without it asks for nothing, and says that the others see addresses', async () => {
    const { room, session } = await mount();
    ok(!('private' in session.options) && !isPrivate(room), 'off');
    same(session.count('set-private'), 0);
  });

  it('set and taken away before a call it is asked of the same session', async () => {
    const { room, session, engine } = await mount();
    const told: string[] = [];
    room.addEventListener('tai-privacy-change', ({ privacy }) => told.push(privacy));
    room.private = true;
    await settle(room);
    room.removeAttribute('private');
    room.setPrivate(false);
    await settle(room);
    same(told, ['on', 'off']);
    equal(engine.sessions.length, 1);
    equal(session.view.privacy, 'off');
  });

  it('asked for by a listener of the click that joins, it holds before the room is joined', async () => {
    const { room, session } = await mount();
    room.addEventListener('tai-join-request', () => {
      room.private = true;
    });
    button(room, 'Create a private room').click();
    const types = session.commands.map(({ type }) => type);
    ok(types.includes('set-private') && types.indexOf('set-private') < types.indexOf('join'), types.join());
  });

  it('switched on in a call, the call goes on; off is misuse as a call, and waits as a property', async () => {
    const { room, session, engine } = await joined(2);
    room.setPrivate();
    await settle(room);
    equal(session.view.privacy, 'on');
    ok(isPrivate(room), ':state(private)');
    throws(() => room.setPrivate(false), 'usage');
    equal(room.private, true, 'as it is');
    room.private = false;
    await settle(room);
    equal(session.view.privacy, 'on');
    room.leave();
    session.exit();
    await settle(room);
    equal(session.view.privacy, 'off');
    equal(engine.sessions.length, 1);
  });

  it('where no TURN host is there, says that nothing is sent, and why, until there is one', async () => {
    const { room, session } = await joined(2);
    session.hide('on');
    button(room, 'Private room').click();
    session.hide('turn-unavailable');
    session.tell({ type: 'error', code: 'turn-unavailable', isRecoverable: true });
    await settle(room);
    equal(facts(room)['address'], 'known');
    ok(texts(room).includes('Your IP address is hidden, so nobody can be reached'), texts(room));
    ok(texts(room).includes('no TURN host is there to go through: nothing is sent'), 'the message');
    ok(isPrivate(room), 'it is hidden all the same');
    await accessible(room);
    session.hide('on');
    await settle(room);
    ok(!texts(room).includes('no TURN host is there to go through: nothing is sent'), 'settled');
  });

  it('where it has failed, warns first of all, and claims nothing', async () => {
    const { room, session } = await joined(2);
    session.hide('on');
    button(room, 'Private room').click();
    const [peer] = session.view.participants;
    const told: string[] = [];
    room.addEventListener('tai-privacy-change', ({ privacy }) => told.push(privacy));
    room.addEventListener('tai-error', ({ code, peerId }) => told.push(`${code} ${String(peerId === peer?.peerId)}`));
    session.hide('failed');
    if (peer) session.tell({ type: 'error', code: 'privacy-failed', isRecoverable: false, peerId: peer.peerId });
    await settle(room);
    same(told, ['failed', 'privacy-failed true']);
    equal(Object.keys(facts(room))[0], 'exposed');
    ok(texts(room).includes('Your IP address may have been seen'), texts(room));
    const toasts = findAll(room, '.toast').map(({ textContent }) => textContent);
    ok(toasts.join().includes('did not go through a TURN host, and was closed'), toasts.join());
    const shield = find(room, 'tai-privacy-shield');
    ok(!isPrivate(room) && !isPrivate(shield) && shield.matches(':state(warning)'), 'the states');
    await accessible(room);
  });

  it('of others who hide, the shield says that their TURN host learns our address; not where we hide as well', async () => {
    const { room, session } = await joined(2);
    session.meet(participant(5, { name: 'Ana', isAddressHidden: true }));
    button(room, 'Private room').click();
    await settle(room);
    equal(facts(room)['hiding'], 'known');
    ok(texts(room).includes('Say that they hide their IP address: Ana'), texts(room));
    ok(texts(room).includes('Their TURN host, which you do not choose, learns yours.'), texts(room));
    await accessible(room);
    session.hide('on');
    await settle(room);
    ok(!('hiding' in facts(room)), 'it sees the other TURN host');
  });
});
