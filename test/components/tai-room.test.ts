import { TaiMuteRequestEvent } from '../../src/components/internal/events.ts';
import { createPrivateRoom, roomFragment } from '../../src/engine/index.ts';
import { equal, ok, same, until } from './assert.ts';
import { ENGINE } from '../../src/components/tai-room/tai-room.ts';
import { FakeEngine, fakeVideoTrack, participant, peerId } from './fake-session.ts';
import {
  EVENTS,
  RELAY,
  accessible,
  button,
  clear,
  deepElements,
  find,
  findAll,
  joined,
  mount,
  nextTask,
  place,
} from './helpers.ts';
import { settle, texts } from './helpers.ts';

describe('<tai-room>', () => {
  beforeEach(clear);
  after(clear);

  describe('is accessible', () => {
    it('in the lobby', async () => {
      const { room } = await mount();
      await accessible(room);
    });

    it('without a lobby', async () => {
      const { room } = await mount((element) => {
        element.noLobby = true;
      });
      equal(room.state, 'idle');
      await accessible(room);
    });

    it('while joining', async () => {
      const { room, session } = await mount();
      session.show({ phase: 'joining' });
      await settle(room);
      await accessible(room);
    });

    for (const count of [1, 2, 6, 9]) {
      it(`with ${count} in the room`, async () => {
        const { room } = await joined(count);
        equal(findAll(room, 'tai-participant').length, count);
        await accessible(room);
      });
    }

    it('with pictures, a lost peer and a nameless newcomer', async () => {
      const { room, session } = await joined(1);
      session.meet(participant(1, { videoTrack: fakeVideoTrack() }));
      session.meet(participant(2, { link: 'disconnected' }));
      session.meet(participant(3, { name: '', link: 'connecting', camera: undefined, microphone: undefined }));
      await settle(room);
      ok(texts(room).includes('Connection lost…'), 'a lost link is told');
      ok(texts(room).includes('Connecting…'), 'a starting link is told');
      await accessible(room);
    });

    it('while reconnecting, with a message', async () => {
      const { room, session } = await joined(2);
      session.show({ phase: 'reconnecting' });
      session.tell({ type: 'error', code: 'relay-unreachable', isRecoverable: true });
      await settle(room);
      ok(texts(room).includes('Reconnecting'), 'it says so');
      await accessible(room);
    });

    it('after leaving', async () => {
      const { room, session } = await joined(1);
      session.exit();
      await settle(room);
      ok(button(room, 'Join again'), 'a way back');
      await accessible(room);
    });

    it('with a broken link', async () => {
      history.replaceState(null, '', '#tai=broken');
      const { room } = place();
      await until(() => texts(room).includes('damaged'), 'the sentence');
      await accessible(room);
    });

    it('in dark', async () => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync('html { color-scheme: dark; background: #000 }');
      document.adoptedStyleSheets.push(sheet);
      try {
        const { room } = await joined(2);
        await accessible(room);
      } finally {
        document.adoptedStyleSheets.pop();
      }
    });
  });

  describe('states', () => {
    it('stand on the element and in CSS, and are told by an event', async () => {
      const { room, session } = await mount();
      const seen: string[] = [];
      room.addEventListener('tai-state-change', ({ state }) => seen.push(state));
      const phases = ['joining', 'joined', 'reconnecting', 'left', 'lobby', 'idle'] as const;
      for (const phase of phases) {
        session.show({ phase });
        await room.updateComplete;
        equal(room.state, phase);
        same(
          phases.filter((name) => room.matches(`:state(${name})`)),
          [phase],
          'CSS states',
        );
        ok(!room.matches(':state(encrypted)'), 'with nobody there nothing is');
      }
      same(seen, phases);
    });

    it('an open room never claims to be encrypted', async () => {
      const { room, session } = await mount((element) => {
        element.room = 'garden';
      });
      session.enter();
      session.meet(participant(1));
      await settle(room);
      equal(room.encryption.overall, 'open-room');
      ok(!room.matches(':state(encrypted)'), 'no claim');
    });
  });

  describe('events', () => {
    it('tell of joining, peers, encryption, devices, errors and leaving', async () => {
      const { room, session, events } = await mount();
      const details: unknown[] = [];
      room.addEventListener('tai-peer-join', (event) => details.push(event.peerId));
      room.addEventListener('tai-peer-leave', (event) => details.push(event.peerId, event.reason));
      room.addEventListener('tai-error', (event) => details.push(event.code, event.recoverable));
      room.addEventListener('tai-leave', (event) => details.push(event.reason));
      session.enter();
      session.meet(participant(1));
      session.part(peerId(1), 'connection-lost');
      session.tell({ type: 'devices-changed' });
      session.tell({ type: 'error', code: 'relay-unreachable', isRecoverable: true });
      session.exit();
      same(details, [peerId(1), peerId(1), 'connection-lost', 'relay-unreachable', true, 'left']);
      same(events, [
        ...['tai-state-change', 'tai-state-change', 'tai-encryption-change', 'tai-join'],
        ...['tai-encryption-change', 'tai-peer-join'],
        ...[
          'tai-encryption-change',
          'tai-peer-leave',
          'tai-device-change',
          'tai-error',
          'tai-state-change',
          'tai-encryption-change',
          'tai-leave',
        ],
      ]);
    });

    it('encryption is told once for each change: of a peer, or of the room where it is of no peer', async () => {
      const { room, session } = await mount();
      const told: unknown[] = [];
      room.addEventListener('tai-encryption-change', (event) => told.push([event.peerId, event.state, event.overall]));
      session.enter();
      session.encrypt({ roster: 'consistent' });
      session.meet(participant(1, { encryption: 'waiting-key', identity: undefined }));
      session.change(peerId(1), { encryption: 'encrypted' });
      session.change(peerId(1), { name: 'Ana' });
      session.verified(peerId(1));
      session.encrypt({ roster: 'settling' });
      session.change(peerId(1), { encryption: 'wrong-key' });
      session.part(peerId(1), 'refused');
      same(told, [
        [undefined, 'alone', 'alone'],
        [peerId(1), 'waiting-key', 'waiting-key'],
        [peerId(1), 'encrypted', 'encrypted'],
        [peerId(1), 'verified', 'verified'],
        [undefined, 'encrypted', 'encrypted'],
        [peerId(1), 'wrong-key', 'wrong-key'],
        [undefined, 'alone', 'alone'],
      ]);
    });

    it('joins and leaves are announced by name', async () => {
      const { room, session } = await joined(1);
      session.meet(participant(1, { name: 'Ana' }));
      await settle(room);
      ok(room.shadowRoot?.querySelector('[role=status].visually-hidden')?.textContent.includes('Ana joined'), 'joined');
      session.part(peerId(1), 'left');
      await settle(room);
      ok(room.shadowRoot?.querySelector('[role=status].visually-hidden')?.textContent.includes('Ana left'), 'left');
    });
  });

  describe('joining', () => {
    it('opens the offered devices and joins in the task of the click', async () => {
      const { room, session } = await mount();
      equal(session.count('open-lobby'), 1);
      button(room, 'Create a private room').click();
      same(
        session.commands.slice(-3),
        [{ type: 'set-microphone', isOn: true }, { type: 'set-camera', isOn: true }, { type: 'join' }],
        'commands',
      );
    });

    it('opens nothing that was switched off, nor what the page does not offer', async () => {
      const { room, session } = await mount((element) => {
        element.media = 'audio';
      });
      button(room, 'Microphone').click();
      button(room, 'Create a private room').click();
      same(
        session.commands.filter(({ type }) => type.startsWith('set-') && type !== 'set-name'),
        [],
      );
      equal(session.count('join'), 1);
    });

    it('asks the browser for nothing before the click', async () => {
      const { session } = await mount();
      same(session.commands, [{ type: 'open-lobby', microphone: false, camera: false }]);
    });

    it('a prevented request joins nothing', async () => {
      const { room, session } = await mount();
      room.addEventListener('tai-join-request', (event) => event.preventDefault());
      button(room, 'Create a private room').click();
      equal(session.count('join'), 0);
    });

    it('auto-join joins as soon as the room is known', async () => {
      const { session } = await mount((element) => {
        element.autoJoin = true;
      });
      equal(session.count('join'), 1);
    });

    it('join() before the room is known is kept', async () => {
      const { room, engine } = place();
      room.join();
      const session = await until(() => engine.sessions[0], 'a session');
      equal(session.count('join'), 1);
    });

    it('puts the link of a new private room into the address, and keeps other entries', async () => {
      history.replaceState(null, '', '#page=1');
      const { room } = await mount();
      ok(!location.hash.includes('tai='), 'not before joining');
      button(room, 'Create a private room').click();
      ok(/^#page=1&tai=[\w-]{43}$/.test(location.hash), location.hash);
      const [page] = location.href.split('#');
      equal(room.createInvite(), `${page}${location.hash.replace('page=1&', '')}`);
    });

    it('a link in the address opens that private room', async () => {
      const address = createPrivateRoom();
      history.replaceState(null, '', roomFragment('', address));
      const { session } = await mount();
      equal(session.options.room.kind, 'private');
      same([...session.options.room.room.secret], [...address.room.secret]);
    });

    it('a link pasted into the open page opens its room; another fragment changes nothing', async () => {
      const { engine } = await mount();
      const address = createPrivateRoom();
      location.hash = 'elsewhere';
      location.hash = roomFragment('', address);
      const session = await until(() => engine.sessions[1], 'another session');
      same([...session.options.room.room.secret], [...address.room.secret]);
      ok(engine.sessions[0]?.isClosed, 'the first is closed');
      equal(engine.sessions.length, 2, 'sessions');
    });

    for (const name of ['', 'garden']) {
      it(`an invite ${name === '' ? '' : 'to an open room '}holds nothing else that stands in the fragment`, async () => {
        const other = roomFragment('', createPrivateRoom(), 'other').slice(1);
        history.replaceState(null, '', `#access_token=abc&${other}&state=1`);
        const { room } = await mount((element) => {
          if (name !== '') element.room = name;
        });
        const [page, fragment = ''] = room.createInvite().split('#');
        equal(page, location.href.split('#')[0]);
        ok(name === '' ? /^tai=[\w-]{43}$/.test(fragment) : fragment === '', fragment);
        // the address bar keeps what is the page's
        room.join();
        ok(location.hash.startsWith(`#access_token=abc&${other}&state=1`), location.hash);
      });
    }

    it('a damaged link pasted into the open page is told, not passed over', async () => {
      const { room } = await mount();
      location.hash = 'tai%3Dbroken';
      await until(() => texts(room).includes('damaged'), 'the sentence');
    });

    it('properties set before the class was there count', async () => {
      // as a page does that runs before the script: own properties of an element without a class
      const secret = crypto.getRandomValues(new Uint8Array(32));
      const inert = document.implementation.createHTMLDocument();
      const element = inert.createElement('tai-room');
      const engine = new FakeEngine();
      Object.assign(element, { roomSecret: secret, relay: RELAY });
      ok(Object.hasOwn(element, 'roomSecret'), 'not upgraded yet');
      document.body.append(element);
      // upgraded, and before its first update
      element[ENGINE] = engine;
      const session = await until(() => engine.sessions[0], 'a session');
      same([...session.options.room.room.secret], [...secret]);
    });
  });

  describe('lives in a page', () => {
    it('two rooms share nothing', async () => {
      const first = await mount();
      const second = await mount((element) => {
        element.room = 'garden';
      });
      first.session.enter();
      first.session.meet(participant(1));
      await settle(first.room);
      equal(second.room.state, 'lobby');
      equal(second.room.participants.length, 0);
      ok(!second.events.includes('tai-join'), 'no event of the other');
      second.room.leave();
      equal(first.session.count('leave'), 0);
    });

    it('keeps its call when it is moved by hand', async () => {
      const { room, session } = await joined(2);
      const place2 = document.createElement('div');
      document.body.append(place2);
      room.remove();
      place2.append(room);
      await nextTask();
      await settle(room);
      ok(!session.isClosed, 'open');
      equal(findAll(room, 'tai-participant').length, 2);
      session.meet(participant(5));
      await settle(room);
      equal(findAll(room, 'tai-participant').length, 3, 'and still follows');
    });

    it('keeps its call when it is moved by moveBefore', async function () {
      if (!('moveBefore' in Element.prototype)) this.skip();
      const { room, session } = await joined(2);
      const target = document.createElement('div');
      document.body.append(target);
      const { moveBefore } = target as unknown as { moveBefore(node: Node, child: null): void };
      moveBefore.call(target, room, null);
      await nextTask();
      ok(!session.isClosed && room.parentElement === target, 'moved and open');
    });

    it('removed, it closes its session and tells nothing more', async () => {
      const { room, session } = await joined(2);
      // at the element itself: outside a document nothing bubbles further
      const told: string[] = [];
      for (const type of EVENTS) room.addEventListener(type, () => told.push(type));
      room.remove();
      await until(() => session.isClosed, 'the close');
      same(told, []);
      equal(room.state, 'idle');
    });

    it('removed before its room is known, it makes no session', async () => {
      const { room, engine } = place();
      let know: (address: undefined) => void = () => {};
      const known = new Promise<undefined>((resolve) => {
        know = resolve;
      });
      engine.resolveRoom = () => known;
      await room.updateComplete;
      room.remove();
      await nextTask();
      know(undefined);
      await nextTask();
      equal(engine.sessions.length, 0);
    });

    it('removed while joining, it closes; put back, it begins anew', async () => {
      const { room, session, engine } = await mount();
      session.show({ phase: 'joining' });
      room.remove();
      await until(() => session.isClosed, 'the close');
      document.body.append(room);
      await until(() => engine.sessions[1], 'a new session');
    });

    it('the definitions load twice', async () => {
      const before = customElements.get('tai-room');
      const again = '../../src/define.ts?again';
      await import(again);
      equal(customElements.get('tai-room'), before);
    });

    it('another address ends the lobby’s session, never a call', async () => {
      const { room, session, engine } = await mount();
      room.room = 'garden';
      const second = await until(() => engine.sessions[1], 'another session');
      ok(session.isClosed, 'the first is closed');
      second.enter();
      room.room = 'park';
      await settle(room);
      ok(!second.isClosed, 'the call goes on');
      second.show({ phase: 'left', leaveReason: 'left' });
      room.join();
      const third = await until(() => engine.sessions[2], 'the other room');
      equal(third.count('join'), 1);
    });

    it('slots stand always', async () => {
      const { room, session } = await mount((element) => {
        element.innerHTML = '<p slot="empty" id="mine">mine</p><b slot="controls-end">b</b><i slot="side">i</i>';
      });
      session.enter();
      await settle(room);
      ok(room.querySelector('#mine')?.checkVisibility(), 'the page’s own empty state');
      ok(findAll(room, 'tai-invite').length === 0, 'in place of ours');
      const slots = deepElements(room).flatMap((element) => (element instanceof HTMLSlotElement ? [element.name] : []));
      for (const name of ['', 'lobby', 'empty', 'controls-start', 'controls-end', 'side']) {
        ok(slots.includes(name), `slot ${name}`);
      }
    });

    it('texts are the page’s where it gives them', async () => {
      const { room } = await mount((element) => {
        element.strings = { 'join-new': 'Los geht’s' };
      });
      ok(button(room, 'Los geht’s'), 'the page’s own word');
    });
  });

  describe('methods', () => {
    it('toggle, set a device, give figures', async () => {
      const { room, session } = await joined(1);
      room.toggleMicrophone();
      room.toggleCamera(true);
      room.setDevice('camera', 'b');
      same(session.commands.slice(-3), [
        { type: 'set-microphone', isOn: false },
        { type: 'set-camera', isOn: true },
        { type: 'set-device', kind: 'camera', deviceId: 'b' },
      ]);
      equal((await room.getStats()).totals.bytesReceived, 2);
      room.leave();
      equal(session.count('leave'), 1);
    });

    it('display-name follows the attribute', async () => {
      const { room, session } = await mount((element) => element.setAttribute('display-name', 'Nora'));
      equal(session.options.displayName, 'Nora');
      room.setAttribute('display-name', 'Vale');
      await settle(room);
      equal(room.self.name, 'Vale');
    });

    it('a prevented mute request changes nothing', async () => {
      const { room, session } = await joined(1);
      const asked: unknown[] = [];
      room.addEventListener('tai-mute-request', (event) => {
        ok(event instanceof TaiMuteRequestEvent, 'its class');
        asked.push([event.kind, event.muted]);
        event.preventDefault();
      });
      find<HTMLButtonElement>(room, 'tai-controls .toggle, .toggle').click();
      same(asked, [['microphone', true]]);
      equal(session.count('set-microphone'), 1, 'only the one of joining');
    });
  });
});
