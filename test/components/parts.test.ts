import type { SessionView } from '../../src/engine/index.ts';
import { equal, ok, same, until } from './assert.ts';
import { fakeVideoTrack, participant } from './fake-session.ts';
import { accessible, button, clear, find, findAll, mount, settle, texts } from './helpers.ts';

const LIVE = { state: 'live', trackId: 't', deviceId: 'b', label: 'B', isMuted: false } as const;
const FAILURES = [
  ['permission-denied', 'blocks the camera'],
  ['device-in-use', 'uses the camera'],
  ['device-not-found', 'No camera was found'],
  ['device-constraints', 'chosen camera'],
  ['permissions-policy', 'Permissions-Policy'],
  ['insecure-context', 'secure page'],
] as const;

describe('<tai-lobby>', () => {
  beforeEach(clear);
  after(clear);

  for (const [code, words] of FAILURES) {
    it(`is accessible and joins without the camera: ${code}`, async () => {
      const { room, session } = await mount();
      session.show({ camera: { state: 'failed', code } });
      session.tell({ type: 'error', code, isRecoverable: true });
      await settle(room);
      ok(texts(room).includes(words), texts(room));
      equal(findAll(room, '.toast').length, 0, 'told once, where the device is');
      await accessible(room);
      button(room, 'Join without camera').click();
      equal(session.count('join'), 1);
      equal(session.count('set-camera'), 0);
    });
  }

  it('both devices missing still join; trying again asks again', async () => {
    const { room, session } = await mount();
    session.show({
      camera: { state: 'failed', code: 'device-not-found' },
      microphone: { state: 'failed', code: 'permission-denied' },
    });
    await settle(room);
    await accessible(room);
    button(room, 'Try again: Microphone').click();
    same(session.commands.at(-1), { type: 'set-microphone', isOn: true });
    button(room, 'Join without camera and microphone').click();
    equal(session.count('join'), 1);
  });

  it('previews on request, with level and device pickers, accessibly', async () => {
    const { room, session, engine } = await mount();
    button(room, 'Try camera and microphone').click();
    same(session.commands.slice(-2), [
      { type: 'set-microphone', isOn: true },
      { type: 'set-camera', isOn: true },
    ]);
    engine.devices.push(
      { deviceId: 'a', kind: 'camera', label: 'Front' },
      { deviceId: 'b', kind: 'camera', label: 'Back' },
      { deviceId: 'b', kind: 'microphone', label: '' },
    );
    const context = new AudioContext();
    const microphoneTrack = context.createMediaStreamDestination().stream.getAudioTracks()[0];
    session.show({ camera: LIVE, microphone: LIVE, cameraTrack: fakeVideoTrack(), microphoneTrack });
    const selects = await until(() => {
      const found = findAll<HTMLSelectElement>(room, 'select');
      return found.length === 2 && found;
    }, 'the pickers');
    const camera = selects[1];
    ok(camera, 'a camera picker');
    equal(camera.value, 'b', 'the one in use');
    ok(texts(room).includes('Say something'), 'the level');
    await until(() => find<HTMLVideoElement>(room, 'video').videoWidth > 0, 'the picture');
    await accessible(room);
    camera.value = 'a';
    camera.dispatchEvent(new Event('change', { bubbles: true }));
    same(session.commands.at(-1), { type: 'set-device', kind: 'camera', deviceId: 'a' });
    await context.close();
  });

  it('follows the loudness of the microphone', async function () {
    const context = new AudioContext();
    try {
      await until(() => context.state === 'running', 'a clock of sound');
    } catch {
      // Firefox runs no AudioContext on a machine without a sound output
      await context.close();
      this.skip();
    }
    const { room, session } = await mount();
    const tone = new OscillatorNode(context);
    const destination = context.createMediaStreamDestination();
    tone.connect(destination);
    tone.start();
    session.show({ microphone: LIVE, microphoneTrack: destination.stream.getAudioTracks()[0] });
    await until(() => findAll(room, '.bars i[data-lit]').length > 5, 'lit bars');
    await until(() => texts(room).includes('Your microphone works'), 'the sentence');
    tone.disconnect();
    await until(() => findAll(room, '.bars i[data-lit]').length === 0, 'dark bars');
    await context.close();
  });

  it('toggles tell their state by aria-pressed and keep their name', async () => {
    const { room, session } = await mount();
    const camera = button(room, 'Camera');
    equal(camera.getAttribute('aria-pressed'), 'true', 'on, once joined');
    camera.click();
    await settle(room);
    equal(button(room, 'Camera').getAttribute('aria-pressed'), 'false');
    equal(session.count('set-camera'), 0, 'nothing to close');
    button(room, 'Camera').click();
    same(session.commands.at(-1), { type: 'set-camera', isOn: true });
  });

  it('takes the name with it', async () => {
    const { room, session } = await mount();
    find<HTMLInputElement>(room, 'input[name=name]').value = 'Nora';
    button(room, 'Create a private room').click();
    equal(session.view.name, 'Nora');
  });

  it('offers no device to a listener', async () => {
    const { room, session } = await mount((element) => {
      element.media = '';
    });
    ok(texts(room).includes('watch and listen'), 'it says so');
    equal(findAll(room, '.toggle').length, 0);
    await accessible(room);
    button(room, 'Create a private room').click();
    same(
      session.commands.map(({ type }) => type),
      ['open-lobby', 'set-name', 'join'],
    );
  });
});

describe('<tai-controls>', () => {
  beforeEach(clear);
  after(clear);

  async function call(change: Partial<SessionView> = {}): ReturnType<typeof mount> {
    const mounted = await mount();
    mounted.session.enter({ microphone: LIVE, camera: LIVE, ...change });
    mounted.session.meet(participant(1));
    await settle(mounted.room);
    return mounted;
  }

  it('are accessible with a failed device', async () => {
    const { room } = await call({ camera: { state: 'failed', code: 'device-in-use' } });
    await accessible(room);
    const camera = button(room, 'Camera');
    equal(camera.getAttribute('aria-pressed'), 'false');
    ok(camera.getAttribute('aria-description')?.includes('uses the camera'), 'and says why');
  });

  it('show what is, not what was asked', async () => {
    const { room, session } = await call();
    const microphone = button(room, 'Microphone');
    equal(microphone.getAttribute('aria-pressed'), 'true');
    microphone.click();
    same(session.commands.at(-1), { type: 'set-microphone', isOn: false });
    await settle(room);
    equal(microphone.getAttribute('aria-pressed'), 'true', 'nothing has happened yet');
    session.show({ microphone: { ...LIVE, isMuted: true } });
    await settle(room);
    equal(microphone.getAttribute('aria-pressed'), 'false');
  });

  it('leave on request, unless prevented', async () => {
    const { room, session } = await call();
    room.addEventListener('tai-leave-request', (event) => event.preventDefault(), { once: true });
    button(room, 'Leave').click();
    equal(session.count('leave'), 0);
    button(room, 'Leave').click();
    equal(session.count('leave'), 1);
  });

  it('are large enough for a finger', async () => {
    const { room } = await call();
    for (const element of findAll(room, 'button')) {
      const { width, height } = element.getBoundingClientRect();
      ok(
        width >= 44 && height >= 44,
        `${element.getAttribute('aria-label') ?? element.textContent}: ${width}×${height}`,
      );
    }
  });

  it('fit 320 px without a second row', async () => {
    const { room } = await call();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('body { margin: 0 } tai-room { inline-size: 320px }');
    document.adoptedStyleSheets.push(sheet);
    try {
      const tops = findAll(room, '.bar button').map((element) => Math.round(element.getBoundingClientRect().top));
      equal(new Set(tops).size, 1, `rows ${tops.join(' ')}`);
    } finally {
      document.adoptedStyleSheets.pop();
    }
  });

  it('copy the link, or show it where there is no clipboard', async () => {
    const { room, events } = await call();
    const copied: string[] = [];
    const clipboard = {
      writeText: (text: string): Promise<void> => {
        copied.push(text);
        return Promise.resolve();
      },
    };
    const own = Object.getOwnPropertyDescriptor(navigator, 'clipboard');
    Object.defineProperty(navigator, 'clipboard', { configurable: true, value: clipboard });
    try {
      button(room, 'Copy link').click();
      await until(() => events.includes('tai-invite'), 'the event');
      same(copied, [room.createInvite()]);
      Object.defineProperty(navigator, 'clipboard', { configurable: true, value: undefined });
      button(room, 'Copy link').click();
      const field = await until(() => findAll<HTMLInputElement>(room, '.toast input')[0], 'the link to copy by hand');
      equal(field.value, room.createInvite());
      await accessible(room);
      button(room, 'Dismiss').click();
      await settle(room);
      equal(findAll(room, '.toast').length, 0);
    } finally {
      if (own) Object.defineProperty(navigator, 'clipboard', own);
      else Reflect.deleteProperty(navigator, 'clipboard');
    }
  });

  it('no-invite hides the link everywhere', async () => {
    const { room, session } = await mount((element) => {
      element.noInvite = true;
    });
    session.enter();
    await settle(room);
    equal(findAll(room, 'tai-invite, .copy').length, 0);
    ok(texts(room).includes('You are alone here'), 'the empty state stays');
  });
});

describe('<tai-privacy-shield>', () => {
  beforeEach(clear);
  after(clear);

  function facts(room: Element): Record<string, string> {
    const items = findAll(room, '[data-fact]');
    return Object.fromEntries(items.map((item) => [item.dataset['fact'] ?? '', item.className]));
  }

  it('unfolds, is accessible, folds by Escape', async () => {
    const { room } = await mount();
    const pill = button(room, 'Private room');
    equal(pill.getAttribute('aria-expanded'), 'false');
    pill.click();
    await settle(room);
    equal(pill.getAttribute('aria-expanded'), 'true');
    await accessible(room);
    pill.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, composed: true }));
    await settle(room);
    equal(pill.getAttribute('aria-expanded'), 'false');
  });

  it('says only what is true of a private room', async () => {
    const { room, session } = await mount();
    button(room, 'Private room').click();
    await settle(room);
    same(facts(room), {
      signalling: 'kept',
      link: 'kept',
      verified: 'known',
      media: 'kept',
      frames: 'kept',
      address: 'known',
      relay: 'known',
    });
    ok(texts(room).includes('Nobody is connected yet'), 'no media yet');
    ok(texts(room).includes('Other participants can see your IP address'), 'the address');
    session.enter();
    session.meet(participant(1));
    await settle(room);
    ok(texts(room).includes('Sound and picture are encrypted'), 'media');
    const shield = find(room, 'tai-privacy-shield');
    ok(shield.matches(':state(encrypted)') && !shield.matches(':state(warning)'), 'its states');
  });

  it('says who else learns something where STUN or TURN hosts are in use', async () => {
    const { room, session } = await mount();
    button(room, 'Private room').click();
    session.enter();
    session.meet(participant(1));
    await settle(room);
    ok(!('helpers' in facts(room)) && !texts(room).includes('STUN'), 'nothing without them');
    ok(texts(room).includes('not through the relay'), 'as it is');
    const iceHostNames = ['stun.example', 'turn.example'];
    session.show({ encryption: { ...session.view.encryption, iceHosts: 2, iceHostNames } });
    await settle(room);
    equal(facts(room)['helpers'], 'known');
    ok(texts(room).includes('Connection helpers (STUN/TURN) learn IP addresses and times'), 'what they learn');
    ok(texts(room).includes('Here: stun.example, turn.example.'), 'who they are');
    ok(texts(room).includes('also when a helper passes them on'), 'and what they do not');
    equal(room.encryption.iceHosts, 2);
    await accessible(room);
  });

  it('warns of an open room', async () => {
    const { room } = await mount((element) => {
      element.room = 'garden';
    });
    button(room, 'Open room').click();
    await settle(room);
    equal(facts(room)['link'], 'known');
    ok(find(room, 'tai-privacy-shield').matches(':state(warning)'), ':state(warning)');
    await accessible(room);
  });

  it('claims nothing that the engine does not', async () => {
    const { room, session } = await mount();
    button(room, 'Private room').click();
    session.enter();
    session.meet(participant(1, { encryption: 'waiting-key' }));
    session.encrypt({ isSignallingSealed: false, isMediaDtls: false, isKeyAgreed: false });
    await settle(room);
    same(facts(room), {
      keys: 'known',
      link: 'kept',
      verified: 'known',
      frames: 'kept',
      address: 'known',
      relay: 'known',
    });
    ok(texts(room).includes('Keys are being agreed'), 'no keys yet');
    equal(room.encryption.overall, 'none');
    ok(!find(room, 'tai-privacy-shield').matches(':state(encrypted)'), 'no claim');
  });

  it('shows nothing outside a room', async () => {
    const shield = document.createElement('tai-privacy-shield');
    document.body.append(shield);
    await shield.updateComplete;
    equal(shield.shadowRoot?.textContent.trim(), '');
  });
});

describe('<tai-invite>', () => {
  beforeEach(clear);
  after(clear);

  it('shows the link of the room, accessibly', async () => {
    const { room, session } = await mount();
    session.enter();
    await settle(room);
    equal(find<HTMLInputElement>(room, 'tai-invite input, input[readonly]').value, room.createInvite());
    await accessible(find(room, 'tai-invite'));
  });

  it('works as an extra element of the page', async () => {
    const { room, session } = await mount((element) => element.append(document.createElement('tai-invite')));
    session.enter();
    session.meet(participant(1));
    await settle(room);
    ok(room.querySelector('tai-invite')?.shadowRoot?.querySelector('input'), 'it found the room');
  });
});

describe('<tai-participant>', () => {
  beforeEach(clear);
  after(clear);

  it('is accessible with a name, muted, and lost', async () => {
    const tile = document.createElement('tai-participant');
    tile.name = 'Ana Lima';
    tile.muted = true;
    tile.link = 'disconnected';
    document.body.append(tile);
    await tile.updateComplete;
    equal(find(tile, '[role=group]').getAttribute('aria-label'), 'Ana Lima, Microphone off, Connection lost…');
    await accessible(tile);
  });

  it('shows initials until a picture plays, plays no sound, and lets go when removed', async () => {
    const tile = document.createElement('tai-participant');
    tile.name = 'Ana de Lima';
    document.body.append(tile);
    await tile.updateComplete;
    equal(find(tile, '.avatar').textContent.trim(), 'AL');
    ok(!tile.matches(':state(playing)'), 'no picture');
    tile.videoTrack = fakeVideoTrack();
    await until(() => tile.matches(':state(playing)'), 'the picture');
    const video = find<HTMLVideoElement>(tile, 'video');
    ok(video.muted, 'muted');
    const stream = video.srcObject;
    tile.videoTrack = fakeVideoTrack(20);
    await tile.updateComplete;
    const shown = (): MediaStreamTrack | undefined => (stream as MediaStream).getVideoTracks()[0];
    ok(shown() !== tile.videoTrack && tile.matches(':state(playing)'), 'the one before, until the next has a picture');
    await until(() => shown() === tile.videoTrack, 'the next picture');
    ok(tile.matches(':state(playing)'), 'and nothing else in between');
    equal(video.srcObject, stream, 'the same stream');
    equal(findAll(tile, 'video').length, 1);
    const [skipped, last] = [fakeVideoTrack(40), fakeVideoTrack(60)];
    for (tile.videoTrack of [skipped, last]) await tile.updateComplete;
    equal(findAll(tile, 'video').length, 2, 'one is waited for, not two');
    await until(() => shown() === last, 'the last of both');
    equal(findAll(tile, 'video').length, 1);
    tile.videoTrack = undefined;
    await tile.updateComplete;
    ok(!tile.matches(':state(playing)') && video.srcObject === null, 'no picture again');
    tile.videoTrack = fakeVideoTrack(90);
    await tile.updateComplete;
    tile.remove();
    equal(video.srcObject, null);
  });

  it('keeps mark, words and name apart on a small tile', async () => {
    for (const [width, height] of [
      [176, 132],
      [150, 150],
      [130, 140],
    ] as const) {
      for (const state of ['waiting-key', 'codes-differ', 'wrong-key', 'revoked', 'unsupported'] as const) {
        const tile = document.createElement('tai-participant');
        tile.style.cssText = `inline-size: ${width}px; block-size: ${height}px`;
        tile.name = 'Wolfeschlegelsteinhausenbergerdorff';
        tile.encryption = state === 'revoked' ? 'wrong-key' : state;
        tile.revoked = state === 'revoked';
        tile.link = state === 'codes-differ' || state === 'unsupported' ? 'connected' : 'connecting';
        document.body.append(tile);
        await tile.updateComplete;
        const boxes = findAll(tile, '.chip, .status span, .plate').map((box) => box.getBoundingClientRect());
        for (const [i, a] of boxes.entries()) {
          ok(a.left >= tile.getBoundingClientRect().left, `${state} within ${width}×${height}`);
          for (const b of boxes.slice(i + 1)) {
            const isApart = a.bottom <= b.top || b.bottom <= a.top || a.right <= b.left || b.right <= a.left;
            ok(isApart, `${state} at ${width}×${height}: ${a.top} to ${a.bottom}, ${b.top} to ${b.bottom}`);
          }
        }
        tile.remove();
      }
    }
  });

  it('makes no markup of a name', async () => {
    const tile = document.createElement('tai-participant');
    tile.name = '<img src=x onerror=alert(1)>';
    document.body.append(tile);
    await tile.updateComplete;
    equal(findAll(tile, 'img').length, 0);
    ok(texts(tile).includes('<img'), 'as text');
  });
});
