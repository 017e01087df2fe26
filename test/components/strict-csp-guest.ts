/** The page of `strict-csp.test.ts`: compares codes by camera, and keeps what its policy refused. */
import { ENGINE } from '../../src/components/tai-room/tai-room.ts';
import { SCANNER, TaiVerify } from '../../src/components/tai-verify/tai-verify.ts';
import { browserScanner } from '../../src/components/tai-verify/qr-scanner.ts';
import '../../src/define.ts';
import { ok, until } from './assert.ts';
import { FakeEngine, ROOM_CODE, participant, peerId } from './fake-session.ts';
import { deepElements } from './deep-elements.ts';
import { screenOf } from './qr-screen.ts';

const page: typeof globalThis & { violations?: string[]; outcome?: string } = globalThis;
page.violations = [];
addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
  page.violations?.push(`${effectiveDirective} ${blockedURI}`);
});

async function compare(): Promise<string> {
  const room = document.createElement('tai-room');
  const engine = new FakeEngine();
  room[ENGINE] = engine;
  room.relay = 'wss://relay.example';
  document.body.append(room);
  const session = await until(() => engine.sessions[0], 'a session');
  session.enter();
  session.meet(participant(1));
  session.encrypt({ roomCode: ROOM_CODE, roster: 'consistent' });
  const shown = (selector: string): Element | undefined => deepElements(room).find((each) => each.matches(selector));
  const click = async (selector: string): Promise<void> => {
    const found = await until(() => shown(selector), selector);
    if (found instanceof HTMLElement) found.click();
  };
  await click('.pill');
  await click('.compare');
  await until(() => shown('.emoji'), 'the room’s code');
  await click('dialog [data-peer] button');
  const qr = await until(() => shown('.qr'), 'the QR code');
  const element = shown('tai-verify');
  ok(element instanceof TaiVerify, 'the dialog’s element');
  // our own screen in front of our own camera
  element[SCANNER] = { ...browserScanner, openCamera: async () => screenOf(qr) };
  await click('.near button');
  await until(() => session.count('set-verified') === 1, 'the mark');
  session.verified(peerId(1));
  await until(() => shown('.done'), 'the sentence');
  return 'verified';
}

compare().then(
  (outcome) => (page.outcome = outcome),
  (error) => (page.outcome = String(error)),
);
