/** A room with a host: who makes it, what it shows, what it asks of the session; and who stands outside. */
import { equal, ok, same, until } from './assert.ts';
import { participant, peerId } from './fake-session.ts';
import { accessible, button, clear, find, findAll, joined, mount, settle, texts } from './helpers.ts';

const EVE = { peerId: peerId(9), name: 'Eve' };

describe('a room with a host', () => {
  beforeEach(clear);
  after(clear);

  it('is made by who opens it; the host’s own link is shown once, and is no invite and no address', async () => {
    const { room, session } = await mount((one) => {
      one.hosted = true;
    });
    const { hostSeed } = session.options.room.room;
    ok(hostSeed, 'it has a host');
    button(room, 'Create a private room').click();
    session.enter();
    await settle(room);
    const shown = findAll(room, '.toast input').map((input) => (input as HTMLInputElement).value);
    equal(shown.length, 1);
    const [link = ''] = shown;
    const guests = room.createInvite();
    const value = (url: string): string => url.slice(url.indexOf('#tai=') + 5);
    equal(value(link).length, 128, 'secret, public half and seed: 96 bytes');
    equal(value(guests).length, 86, 'secret and public half: 64 bytes');
    ok(location.hash.includes(value(guests)) && !location.hash.includes(value(link)), 'the address bar is for guests');
    button(room, 'Dismiss').click();
    await settle(room);
    equal(findAll(room, '.toast input').length, 0);
    await accessible(room);
  });

  it('shows the lock, who is at the door and who can be put out, and asks for each', async () => {
    const { room, session } = await joined(2);
    equal(findAll(room, '.host').length, 0, 'not to guests');
    session.show({ isHost: true, knocks: [EVE, { peerId: peerId(8), name: '' }] });
    await settle(room);
    await accessible(room);
    ok(texts(room).includes('Eve wants to come in') && texts(room).includes('Somebody without a name'), texts(room));
    button(room, 'Lock the room').click();
    button(room, 'Newcomers have to knock').click();
    button(room, 'Let in: Eve').click();
    button(room, 'Turn away: Eve').click();
    find(room, '.host summary').click();
    await settle(room);
    button(room, `Put ${participant(1).name} out`).click();
    same(session.commands.slice(-5), [
      { type: 'lock', isOn: true },
      { type: 'set-knock', isOn: true },
      { type: 'admit', peerId: EVE.peerId },
      { type: 'decline', peerId: EVE.peerId },
      { type: 'kick', peerId: participant(1).peerId },
    ]);
    session.show({ door: 'locked' });
    await settle(room);
    ok(room.matches(':state(locked)'), 'locked');
    equal(button(room, 'Lock the room').getAttribute('aria-pressed'), 'true');
    await accessible(room);
  });

  it('tells the page and a screen reader who knocks', async () => {
    const { room, session, events } = await joined(1);
    const heard = new Promise<{ peerId: string; name: string }>((resolve) => {
      room.addEventListener('tai-knock', resolve, { once: true });
    });
    session.show({ isHost: true, knocks: [EVE] });
    session.tell({ type: 'knocked', ...EVE });
    await settle(room);
    const { peerId: from, name } = await heard;
    same([from, name], [EVE.peerId, 'Eve']);
    ok(events.includes('tai-knock'), 'at the document');
    same([room.isHost, room.knocks.length, room.door], [true, 1, 'open']);
  });

  it('has its methods, which ask the session', async () => {
    const { room, session } = await joined(2);
    room.lock();
    room.lock(false);
    room.admit(EVE.peerId);
    room.decline(EVE.peerId);
    room.kick(participant(1).peerId);
    same(
      session.commands.slice(-5).map(({ type }) => type),
      ['lock', 'lock', 'admit', 'decline', 'kick'],
    );
  });

  it('`knock` is wanted from the start, and as it changes', async () => {
    const { room, session } = await mount((one) => {
      one.knock = true;
    });
    ok(session.options.room.room.hostSeed, 'it has a host');
    same(session.commands[0], { type: 'set-knock', isOn: true });
    room.knock = false;
    await settle(room);
    same(session.commands.at(-1), { type: 'set-knock', isOn: false });
  });
});

describe('somebody outside', () => {
  beforeEach(clear);
  after(clear);

  it('is told to wait, accessibly, and how it ended', async () => {
    const { room, session } = await mount();
    button(room, 'Create a private room').click();
    session.show({ phase: 'joining', isKnocking: true });
    await settle(room);
    ok(room.matches(':state(knocking)'), 'knocking');
    ok(texts(room).includes('You have knocked'), texts(room));
    await accessible(room);
    for (const [reason, words] of [
      ['declined', 'You were not let in'],
      ['room-locked', 'The room is locked'],
      ['kicked', 'The host has put you out'],
    ] as const) {
      session.show({ phase: 'left', leaveReason: reason, isKnocking: false });
      await until(() => texts(room).includes(words), words);
    }
    await accessible(room);
  });

  it('comes with the operator’s JWT where the page gives one; anything else connects nothing', async () => {
    const admission = (): string => 'a.b.c';
    const { session } = await mount((one) => {
      one.admission = admission;
    });
    equal(session.options.admission, admission);
    clear();
    const { room } = await mountRefused();
    ok(texts(room).includes('admission'), texts(room));
  });
});

async function mountRefused(): Promise<{ room: HTMLElement }> {
  const { place } = await import('./helpers.ts');
  const { room, engine } = place((one) => {
    Object.assign(one, { admission: 'a.b.c' });
  });
  await settle(room);
  equal(engine.sessions.length, 0);
  return { room };
}
