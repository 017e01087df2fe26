/** Comparing codes in a page whose policy allows nothing but its own scripts: no inline style, no sink, no request elsewhere. */
import { equal, ok, same, until } from './assert.ts';
import { clear, deepElements } from './helpers.ts';

const POLICY = [
  `default-src 'none'`,
  `script-src ${location.origin}`,
  `style-src ${location.origin}`,
  `require-trusted-types-for 'script'`,
  `trusted-types tai-room lit-html`,
].join('; ');

type Guest = Window & { violations?: string[]; outcome?: string };

describe('a strict policy', () => {
  beforeEach(clear);
  after(clear);

  it('lets codes be shown, drawn and scanned', async () => {
    const frame = document.createElement('iframe');
    frame.allow = 'camera';
    frame.srcdoc = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${POLICY}">
      <script type="module" src="${new URL('strict-csp-guest.ts', import.meta.url).href}"></script>`;
    document.body.append(frame);
    const guest = (): Guest | null => frame.contentWindow;
    const outcome = await until(() => guest()?.outcome, 'the guest', 8_000);
    equal(outcome, 'verified');
    same(guest()?.violations, []);
    const room = frame.contentDocument?.querySelector('tai-room');
    ok(room, 'a room');
    equal(deepElements(room).filter((element) => element.hasAttribute('style')).length, 0, 'inline styles');
  });

  it('is one that bites', async () => {
    const frame = document.createElement('iframe');
    frame.srcdoc = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${POLICY}">
      <p style="color: red">plain</p>`;
    document.body.append(frame);
    const plain = await until(() => frame.contentDocument?.querySelector('p'), 'the text');
    equal(getComputedStyle(plain).color, 'rgb(0, 0, 0)');
  });
});
