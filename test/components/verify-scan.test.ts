/** Codes for cameras: drawn so that they can be read, read from a moving picture, and the camera given back at once. */
import decodeQR from 'qr/decode.js';
import { drawQr } from '../../src/components/tai-verify/qr-code.ts';
import { browserScanner, cameraErrorKey } from '../../src/components/tai-verify/qr-scanner.ts';
import type { ScannerPort } from '../../src/components/tai-verify/qr-scanner.ts';
import { SCANNER, TaiVerify } from '../../src/components/tai-verify/tai-verify.ts';
import { equal, ok, same, until } from './assert.ts';
import { fakeVideoTrack, participant, peerId, safetyNumber } from './fake-session.ts';
import { accessible, button, clear, deepElements, find, findAll, joined, nextTask, settle, texts } from './helpers.ts';
import type { Mounted } from './helpers.ts';

const SIDE_PX = 480;

/** A code as a picture: what is in the SVG, on white. */
async function paint(context: CanvasRenderingContext2D, text: string): Promise<void> {
  const { size, path } = await drawQr(text);
  const { width, height } = context.canvas;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  const scale = Math.floor(Math.min(width, height) / size);
  context.setTransform(scale, 0, 0, scale, (width - scale * size) / 2, (height - scale * size) / 2);
  context.save();
  context.clip(new Path2D(path));
  context.fillStyle = '#000';
  context.fillRect(0, 0, size, size);
  context.restore();
}

function canvas(width = SIDE_PX, height = SIDE_PX): CanvasRenderingContext2D {
  const element = document.createElement('canvas');
  Object.assign(element, { width, height });
  const context = element.getContext('2d', { willReadFrequently: true });
  ok(context, 'a canvas');
  return context;
}

/** A camera that looks at whatever text is held in front of it. */
class FakeCamera implements ScannerPort {
  readonly tracks: MediaStreamTrack[] = [];
  readonly askedWith: (MediaStreamTrack | undefined)[] = [];
  readonly createReader = (): ReturnType<ScannerPort['createReader']> => browserScanner.createReader();
  error: Error | undefined;
  #context = canvas(640, 480);

  async show(text: string): Promise<void> {
    await paint(this.#context, text);
  }

  async openCamera(live: MediaStreamTrack | undefined): Promise<MediaStreamTrack> {
    this.askedWith.push(live);
    if (this.error) throw this.error;
    const [track] = this.#context.canvas.captureStream(15).getVideoTracks();
    ok(track, 'a track');
    this.tracks.push(track);
    const draw = (): void => {
      // a canvas is captured when it is drawn on: a dot in the corner, outside any code
      this.#context.save();
      this.#context.setTransform(1, 0, 0, 1, 0, 0);
      this.#context.fillStyle = `hsl(${performance.now() % 360} 50% 50%)`;
      this.#context.fillRect(0, 0, 1, 1);
      this.#context.restore();
      if (track.readyState === 'live') requestAnimationFrame(draw);
    };
    draw();
    return track;
  }
}

type Opened = Mounted & { readonly camera: FakeCamera; readonly dialog: HTMLElement };

async function opened(): Promise<Opened> {
  const mounted = await joined(1);
  const { room, session } = mounted;
  session.meet(participant(1, { name: 'Ana' }));
  await settle(room);
  const camera = new FakeCamera();
  const element = deepElements(room).find((each) => each instanceof TaiVerify);
  ok(element, 'the dialog’s element');
  element[SCANNER] = camera;
  find(room, 'button.mark').click();
  await until(() => findAll(room, '.qr').length === 1, 'the QR code');
  return { ...mounted, camera, dialog: find(room, 'dialog') };
}

function marks({ session }: Mounted): readonly unknown[] {
  return session.commands.flatMap((command) => (command.type === 'set-verified' ? [command.isVerified] : []));
}

function isOver({ tracks }: FakeCamera): boolean {
  return tracks.length > 0 && tracks.every((track) => track.readyState === 'ended');
}

describe('codes for cameras', () => {
  beforeEach(clear);
  after(clear);

  describe('a QR code', () => {
    for (const text of ['A', safetyNumber(peerId(3)).qr, 'tai-safety:1:ÄÖ–\u{1f6f6}', 'x'.repeat(300)]) {
      it(`decodes back to its text: ${text.slice(0, 24)}`, async () => {
        const context = canvas(640, 640);
        await paint(context, text);
        equal(decodeQR(context.getImageData(0, 0, 640, 640)), text);
      });
    }

    it('stands on white with its quiet zone, in dark too', async () => {
      const { dialog } = await opened();
      const qr = find<SVGElement>(dialog, '.qr');
      const { size, path } = await drawQr(safetyNumber(peerId(1)).qr);
      equal(qr.getAttribute('viewBox'), `0 0 ${size} ${size}`);
      equal(qr.querySelector('path')?.getAttribute('d'), path);
      equal(getComputedStyle(qr.querySelector('rect')!).fill, 'rgb(255, 255, 255)');
      equal(getComputedStyle(qr.querySelector('path')!).fill, 'rgb(0, 0, 0)');
      const { x, y, width } = new DOMRect(...bounds(path));
      same([x, y, width], [4, 4, size - 8], 'four modules around');
    });

    it('that cannot be drawn leaves the digits', async () => {
      const { room, session } = await joined(1);
      session.numbers = () => ({ digits: '1'.repeat(60), qr: 'x'.repeat(4000) });
      session.meet(participant(1, { name: 'Ana' }));
      await settle(room);
      find(room, 'button.mark').click();
      await until(() => findAll(room, '.digits').length === 1, 'the digits');
      await nextTask();
      await settle(room);
      equal(findAll(room, '.qr').length, 0);
    });
  });

  describe('the scanner', () => {
    it('opens the camera on the click alone, and is accessible', async () => {
      const { room, camera, dialog } = await opened();
      equal(camera.askedWith.length, 0, 'not before');
      button(dialog, 'Scan their code').click();
      await until(() => findAll(dialog, 'video').length === 1, 'the picture');
      await until(() => find<HTMLVideoElement>(dialog, 'video').videoWidth > 0, 'a frame');
      equal(camera.askedWith.length, 1);
      await settle(room);
      await accessible(room);
      button(dialog, 'Stop the camera').click();
      await settle(room);
      ok(isOver(camera), 'off at once');
      equal(findAll(dialog, 'video').length, 0);
    });

    it('a match marks, and closes the camera', async () => {
      const mounted = await opened();
      const { session, camera, dialog } = mounted;
      await camera.show(safetyNumber(peerId(1)).qr);
      button(dialog, 'Scan their code').click();
      await until(() => marks(mounted).length === 1, 'the mark');
      same(marks(mounted), [true]);
      same(session.scans, [[peerId(1), safetyNumber(peerId(1)).qr]]);
      await until(() => isOver(camera), 'the camera to be off');
      await until(() => findAll(dialog, 'video').length === 0, 'the numbers');
    });

    it('the code of somebody else warns aloud, and is kept in mind', async () => {
      const mounted = await opened();
      const { camera, dialog } = mounted;
      await camera.show(safetyNumber(peerId(2)).qr);
      button(dialog, 'Scan their code').click();
      await until(() => findAll(dialog, '[role=alert]').length === 1, 'the warning');
      equal(find(dialog, 'h2').textContent, 'Stop: your codes are different');
      same(marks(mounted), []);
      same(mounted.session.commands.slice(-1), [{ type: 'report-difference', peerIds: [peerId(1)] }]);
      ok(isOver(camera), 'the camera is off');
    });

    it('another kind of code is told in the live region, and the search goes on', async () => {
      const mounted = await opened();
      const { camera, dialog } = mounted;
      await camera.show('https://example.com/');
      button(dialog, 'Scan their code').click();
      const status = await until(() => findAll(dialog, '[role=status]')[0], 'the sentence');
      ok(status.textContent.includes('This is not a safety code'), status.textContent);
      same(marks(mounted), []);
      ok(!isOver(camera), 'still looking');
      await camera.show(safetyNumber(peerId(1)).qr);
      await until(() => marks(mounted).length === 1, 'the mark');
      ok(!texts(dialog).includes('not a safety code'), 'and the sentence is gone');
    });

    for (const [name, sentence] of [
      ['NotAllowedError', 'The browser blocks the camera'],
      ['NotFoundError', 'No camera was found'],
      ['NotReadableError', 'Another program uses the camera'],
      ['AbortError', 'Something went wrong'],
    ] as const) {
      it(`says why there is no picture: ${name}`, async () => {
        const { room, camera, dialog } = await opened();
        camera.error = new DOMException('no (on purpose)', name);
        button(dialog, 'Scan their code').click();
        await until(() => texts(dialog).includes(sentence), sentence);
        await accessible(room);
        camera.error = undefined;
        button(dialog, 'Scan their code').click();
        await until(() => findAll(dialog, 'video').length === 1, 'another try');
        ok(!texts(dialog).includes(sentence), 'and the sentence is gone');
      });
    }

    for (const [what, end] of [
      ['closing the dialog', ({ dialog }) => button(dialog, 'Close').click()],
      ['the end of the call', ({ session }) => session.exit()],
      ['the person’s leaving', ({ session }) => session.part(peerId(1), 'left')],
      ['wrong keys', ({ session }) => session.change(peerId(1), { encryption: 'wrong-key' })],
      ['taking the room out of the page', ({ room }) => room.remove()],
    ] as readonly (readonly [string, (opened: Opened) => void])[]) {
      it(`${what} closes the camera`, async () => {
        const mounted = await opened();
        button(mounted.dialog, 'Scan their code').click();
        await until(() => findAll(mounted.dialog, 'video').length === 1, 'the picture');
        end(mounted);
        await until(() => isOver(mounted.camera), 'the camera to be off');
      });
    }

    it('a camera that opens too late is closed at once, and shows nothing', async () => {
      const { room, camera, dialog } = await opened();
      let open: (track: MediaStreamTrack) => void = () => {};
      const track = fakeVideoTrack();
      camera.openCamera = () => new Promise((resolve) => (open = resolve));
      button(dialog, 'Scan their code').click();
      button(dialog, 'Close').click();
      await settle(room);
      open(track);
      await until(() => track.readyState === 'ended', 'the camera to be off');
    });

    it('a camera that is pulled out ends the search', async () => {
      const { camera, dialog } = await opened();
      button(dialog, 'Scan their code').click();
      await until(() => findAll(dialog, 'video').length === 1, 'the picture');
      camera.tracks[0]?.stop();
      await until(() => findAll(dialog, 'video').length === 0, 'the numbers');
    });
  });

  describe('the browser’s camera and detector', () => {
    type Detector = { getSupportedFormats(): Promise<readonly string[]> };
    const scope = globalThis as { BarcodeDetector?: unknown };
    const own = Object.getOwnPropertyDescriptor(scope, 'BarcodeDetector');

    afterEach(() => {
      if (own) Object.defineProperty(scope, 'BarcodeDetector', own);
      else Reflect.deleteProperty(scope, 'BarcodeDetector');
    });

    function detector(formats: () => Promise<readonly string[]>, detect: () => Promise<unknown>): Detector {
      return class {
        static getSupportedFormats = formats;
        detect = detect;
      };
    }

    /** A picture of a code, playing. */
    async function picture(text: string): Promise<HTMLVideoElement> {
      const camera = new FakeCamera();
      await camera.show(text);
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = new MediaStream([await camera.openCamera(undefined)]);
      document.body.append(video);
      await video.play();
      await until(() => video.videoWidth > 0, 'a frame');
      return video;
    }

    it('a copy of the call’s own camera where it runs, else one of its own', async () => {
      const live = fakeVideoTrack();
      const copy = await browserScanner.openCamera(live);
      ok(copy !== live && copy.kind === 'video', 'a copy');
      copy.stop();
      equal(live.readyState, 'live', 'the call keeps its picture');
      live.stop();
      const fresh = await browserScanner.openCamera(live);
      equal(fresh.readyState, 'live', 'a camera');
      fresh.stop();
    });

    it('its own detector is asked for QR codes', async () => {
      scope.BarcodeDetector = detector(
        async () => ['ean_13', 'qr_code'],
        async () => [{ rawValue: 'read by the browser' }],
      );
      const read = await browserScanner.createReader();
      equal(await read(document.createElement('video')), 'read by the browser');
    });

    it('and finding none is no code', async () => {
      scope.BarcodeDetector = detector(
        async () => ['qr_code'],
        async () => [],
      );
      const read = await browserScanner.createReader();
      equal(await read(document.createElement('video')), undefined);
    });

    for (const [what, formats] of [
      ['knows no QR codes', async () => ['ean_13']],
      ['has nothing behind it', async () => []],
      ['fails when asked', () => Promise.reject(new DOMException('no (on purpose)'))],
    ] as const) {
      it(`one that ${what} is not used`, async () => {
        scope.BarcodeDetector = detector(formats, () => Promise.reject(new Error('asked (on purpose)')));
        const read = await browserScanner.createReader();
        const video = await picture('HELLO 1');
        equal(await until(() => read(video), 'the text'), 'HELLO 1');
      });
    }

    it('one that fails while it looks is left for the other', async () => {
      scope.BarcodeDetector = detector(
        async () => ['qr_code'],
        () => Promise.reject(new DOMException('service unavailable (on purpose)', 'NotSupportedError')),
      );
      const read = await browserScanner.createReader();
      const video = await picture('HELLO 2');
      equal(await read(video), undefined, 'this time nothing');
      equal(await read(video), 'HELLO 2');
    });

    it('without one, ours reads, and finds none in an empty picture', async () => {
      scope.BarcodeDetector = undefined;
      const read = await browserScanner.createReader();
      equal(await read(await picture('HELLO 3')), 'HELLO 3');
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = new MediaStream([fakeVideoTrack()]);
      await video.play();
      equal(await read(video), undefined);
    });

    it('what is no error of a camera has the general sentence', () => {
      equal(cameraErrorKey(new TypeError('no (on purpose)')), 'error');
    });
  });
});

/** Of path data made of `M`, `h`, `v`, `z`: x, y, width, height. */
function bounds(path: string): [number, number, number, number] {
  const runs = [...path.matchAll(/M(\d+) (\d+)h(\d+)/g)].map(
    (run) => run.slice(1).map(Number) as [number, number, number],
  );
  const left = Math.min(...runs.map(([x]) => x));
  const right = Math.max(...runs.map(([x, , width]) => x + width));
  const top = Math.min(...runs.map(([, y]) => y));
  const bottom = Math.max(...runs.map(([, y]) => y + 1));
  return [left, top, right - left, bottom - top];
}
