/** What somebody meets who uses the elements for the first time. */
import { ENGINE, TaiRoom } from '../../src/components/tai-room/tai-room.ts';
import { createHostedRoom, createPrivateRoom, createSession, resolveRoom } from '../../src/engine/index.ts';
import { equal, ok, same, throws, until } from './assert.ts';
import { FakeEngine, participant } from './fake-session.ts';
import { LIVE, RELAY, accessible, button, clear, deepElements, find, findAll } from './helpers.ts';
import { joined, mount, place, settle, texts } from './helpers.ts';

/** The element that a click there would meet, through shadow roots. */
function elementAt({ left, top, width, height }: DOMRect): Element | null {
  const [x, y] = [left + width / 2, top + height / 2];
  let found = document.elementFromPoint(x, y);
  for (;;) {
    const inner = found?.shadowRoot?.elementFromPoint(x, y);
    if (!inner || inner === found) return found;
    found = inner;
  }
}

async function withStyles(css: string, act: () => Promise<void>): Promise<void> {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
  try {
    await act();
  } finally {
    document.adoptedStyleSheets.pop();
  }
}

function toasts(room: Element): readonly string[] {
  return findAll(room, '.toast p').map((element) => element.textContent);
}

describe('first use', () => {
  beforeEach(clear);
  after(clear);

  it('the preview’s button can be clicked by a mouse', async () => {
    const { room } = await mount();
    const start = button(room, 'Try camera and microphone');
    start.scrollIntoView({ block: 'center' });
    const met = elementAt(start.getBoundingClientRect());
    ok(met && start.contains(met), `a ${met?.localName} lies over it`);
  });

  for (const [width, height] of [
    [390, 576],
    [620, 480],
  ] as const) {
    it(`the way in is on the screen in ${width}×${height}, also with a failed device`, async () => {
      const css = `body { margin: 0 } tai-room { inline-size: ${width}px; block-size: ${height}px; max-block-size: none }`;
      await withStyles(css, async () => {
        const { room, session } = await mount();
        const looks = (name: string): void => {
          const way = button(room, name).getBoundingClientRect();
          const box = room.getBoundingClientRect();
          equal(Math.round(box.height), height, 'the room itself');
          const scroller = find(room, '.lobby[part=lobby]').getBoundingClientRect();
          ok(way.height >= 44 && way.bottom <= scroller.bottom && way.top >= scroller.top, `${way.top}–${way.bottom}`);
        };
        looks('Create a private room');
        session.show({ camera: { state: 'failed', code: 'device-not-found' } });
        await settle(room);
        looks('Join without camera');
        await accessible(room);
      });
    });
  }

  it('elements between the tags find a room that is defined later', async () => {
    const engine = new FakeEngine();
    document.body.innerHTML = `<late-room relay="${RELAY}"><tai-invite></tai-invite>
      <tai-privacy-shield></tai-privacy-shield></late-room>`;
    const invite = document.querySelector('tai-invite');
    const shield = document.querySelector('tai-privacy-shield');
    await invite?.updateComplete;
    equal(invite?.shadowRoot?.querySelector('input'), null, 'no room yet');
    customElements.define(
      'late-room',
      class extends TaiRoom {
        override [ENGINE] = engine;
      },
    );
    const session = await until(() => engine.sessions[0], 'a session');
    session.enter();
    const field = await until(() => invite?.shadowRoot?.querySelector('input'), 'the link');
    const room = document.querySelector('late-room');
    equal(field.value, room instanceof TaiRoom ? room.createInvite() : '');
    await until(() => shield?.shadowRoot?.querySelector('[data-fact]'), 'the shield');
  });

  it('a device refused in a call is put into words, each time', async () => {
    const { room, session } = await joined(2);
    const refuse = async (): Promise<void> => {
      session.show({ camera: { state: 'failed', code: 'permission-denied' } });
      session.tell({ type: 'error', code: 'permission-denied', isRecoverable: true });
      await settle(room);
    };
    await refuse();
    equal(toasts(room).length, 1);
    ok(toasts(room)[0]?.startsWith('The browser blocks the camera.'), toasts(room).join());
    await accessible(room);
    button(room, 'Dismiss').click();
    await settle(room);
    equal(toasts(room).length, 0);
    button(room, 'Camera').click();
    await refuse();
    equal(toasts(room).length, 1, 'again');
  });

  it('two devices refused are two sentences', async () => {
    const { room, session } = await joined(1);
    const failed = { state: 'failed', code: 'device-not-found' } as const;
    session.show({ camera: { ...failed } });
    session.tell({ type: 'error', code: failed.code, isRecoverable: true });
    session.show({ microphone: { ...failed } });
    session.tell({ type: 'error', code: failed.code, isRecoverable: true });
    await settle(room);
    same(
      toasts(room).map((text) => text.split('.')[0]),
      ['No camera was found', 'No microphone was found'],
    );
  });

  it('sound that may not start is nobody’s trouble while nobody can be heard', async () => {
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = () => Promise.reject(new DOMException('no (on purpose)', 'NotAllowedError'));
    const context = new AudioContext();
    try {
      const { room, session } = await joined(2);
      await new Promise((resolve) => setTimeout(resolve));
      await settle(room);
      equal(findAll(room, '.hear').length, 0);
      const audioTrack = context.createMediaStreamDestination().stream.getAudioTracks()[0];
      session.meet(participant(2, { audioTrack }));
      await until(() => findAll(room, '.hear').length === 1, 'the way out');
    } finally {
      HTMLMediaElement.prototype.play = play;
      await context.close();
    }
  });

  it('the focus follows into the call, and only from the lobby', async () => {
    const { room, session } = await mount();
    button(room, 'Create a private room').focus();
    session.show({ phase: 'joining' });
    await settle(room);
    ok(room.shadowRoot?.activeElement?.matches('.stage'), `${room.shadowRoot?.activeElement?.localName}`);

    clear();
    const other = await mount();
    const outside = document.createElement('input');
    document.body.append(outside);
    outside.focus();
    other.session.show({ phase: 'joining' });
    await settle(other.room);
    equal(document.activeElement, outside);
  });

  it('what was announced is not left standing after the call', async () => {
    const { room, session } = await joined(2);
    const status = deepElements(room).find((element) => element.matches('p.visually-hidden[role=status]'));
    equal(status?.textContent, 'Peer 1 joined');
    session.exit();
    await settle(room);
    equal(status?.textContent, '');
  });

  it('a kind of device that does not exist is misuse', async () => {
    const { room, session } = await joined(1);
    const kind = 'audio' as 'microphone';
    throws(() => room.setDevice(kind, LIVE.deviceId), 'usage');
    equal(session.count('set-device'), 0);
  });

  for (const [attribute, set] of [
    ['relay', (room: TaiRoom) => room.setAttribute('relay', 'ftp://secret-value.example')],
    ['room', (room: TaiRoom) => room.setAttribute('room', 'no spaces secret-value')],
    ['roomSecret', (room: TaiRoom) => Object.assign(room, { roomSecret: 'secret-value' })],
  ] as const) {
    it(`a bad ${attribute} is named, without its value`, async () => {
      const details: (string | undefined)[] = [];
      const { room } = place((element) => {
        element[ENGINE] = { createSession, createHostedRoom, createPrivateRoom, resolveRoom };
        element.addEventListener('tai-error', ({ detail }) => details.push(detail));
        set(element);
      });
      await until(() => findAll(room, '[role=alert]').length === 1, 'the alert');
      equal(details.length, 1);
      ok(details[0]?.startsWith(`${attribute}:`), `${details[0]}`);
      ok(texts(room).includes(`${attribute}:`) && !texts(room).includes('secret-value'), texts(room));
      await accessible(room);
    });
  }
});
