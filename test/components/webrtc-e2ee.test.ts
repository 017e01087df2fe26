/** `tai-room/e2ee` in real browsers, over whatever algorithms they have: two clients end to end, and a device that is kept. */
import { E2eeError, WebRTCE2EE, createPrivateRoom } from '../../src/engine/e2ee.ts';
import type { E2eeEncryptedMessage, RegistryPort, SealedBundle, WebRTCE2EEOptions } from '../../src/engine/e2ee.ts';
import { DEVICE_DATABASE } from '../../src/engine/identity/device.ts';
import { equal, ok, same } from './assert.ts';

const room = createPrivateRoom();
const opened: WebRTCE2EE[] = [];

function open(userId: string, options: Partial<WebRTCE2EEOptions> = {}): WebRTCE2EE {
  const e2ee = new WebRTCE2EE('support', userId, { room, ...options });
  opened.push(e2ee);
  return e2ee;
}

/** A server of the page's own. */
function memoryRegistry(): RegistryPort {
  const bundles = new Map<string, { readonly head: string; readonly one_time: string[] }>();
  return {
    publish: async (peerId, { head, one_time }: SealedBundle) => bundles.set(peerId, { head, one_time: [...one_time] }),
    fetch: async (peerId) => {
      const bundle = bundles.get(peerId);
      return bundle && { head: bundle.head, one_time: bundle.one_time.shift() };
    },
  };
}

async function faultOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error instanceof E2eeError ? error.fault : String(error)),
  );
}

afterEach(() => {
  for (const e2ee of opened.splice(0)) e2ee.close();
});

after(() => {
  indexedDB.deleteDatabase(DEVICE_DATABASE);
});

describe('WebRTCE2EE in this browser', () => {
  it('agrees on keys and talks, both ways, each message once', async () => {
    const registry = memoryRegistry();
    const [ada, bob] = [open('ada', { registry }), open('bob', { registry })];
    await bob.generateKeyPair();
    await ada.exchangeKeys(bob.peerId);
    const texts = ['hello', 'hello yourself', '🙂', ''];
    const messages: E2eeEncryptedMessage[] = [];
    for (const [i, text] of texts.entries()) {
      const [from, to] = i % 2 === 0 ? [ada, bob] : [bob, ada];
      const message = await from.encrypt(text);
      messages.push(message);
      equal(await to.verifyMessageIntegrity(message), true);
      equal(await to.decrypt(JSON.stringify(message)), text);
      equal(await faultOf(to.decrypt(message)), 'replayed');
    }
    ok(
      [ada, bob].every(({ peers }) => peers[0]?.isConfirmed),
      'keys are confirmed on both sides',
    );
    const numbers = await Promise.all([ada.safetyNumber(bob.peerId), bob.safetyNumber(ada.peerId)]);
    equal(numbers[0]?.digits, numbers[1]?.digits);
    equal(ada.checkScan(bob.peerId, String(numbers[1]?.qr)), 'match');
  });

  it('loses nothing where both begin at once, out of messages alone', async () => {
    const [ada, bob] = [open('ada'), open('bob')];
    const keys = await Promise.all([ada.generateKeyPair(), bob.generateKeyPair({ isForOne: true })]);
    await Promise.all([ada.exchangeKeys(keys[1]), bob.exchangeKeys(keys[0])]);
    const [fromAda, fromBob] = await Promise.all([ada.encrypt('a'), bob.encrypt('b')]);
    same(await Promise.all([bob.decrypt(fromAda), ada.decrypt(fromBob)]), ['a', 'b']);
    equal(await bob.decrypt(await ada.encrypt('c')), 'c');
  });

  it('is the same device again where keys are kept, and says when a name is another’s', async () => {
    const bob = open('bob', { identity: 'device' });
    const changed: unknown[] = [];
    bob.on((event) => changed.push(event));
    const ids: unknown[] = [];
    for (let times = 0; times < 2; times++) {
      const ada = open('ada', { identity: 'device' });
      await ada.exchangeKeys(await bob.generateKeyPair());
      equal(await bob.decrypt(await ada.encrypt('hello')), 'hello');
      const { deviceId, standing } = bob.peers[times] ?? {};
      ids.push(deviceId);
      equal(standing, times === 0 ? 'new' : 'known');
    }
    equal(ids[0], ids[1]);
    same(changed, []);
    const guest = open('ada');
    await guest.exchangeKeys(await bob.generateKeyPair());
    equal(await bob.decrypt(await guest.encrypt('I am Ada')), 'I am Ada');
    same(changed, [{ type: 'identity-changed', peerId: guest.peerId }]);
  });

  it('takes rotated keys over, and revoked ones no more', async () => {
    const [ada, bob] = [open('ada'), open('bob')];
    await ada.exchangeKeys(await bob.generateKeyPair());
    await bob.decrypt(await ada.encrypt('hello'));
    equal(await bob.acceptKeyChange(await ada.rotateKey()), 'rotated');
    equal(await bob.decrypt(await ada.encrypt('still')), 'still');
    for (const revocation of await ada.revokeKey('lost')) equal(await bob.acceptKeyChange(revocation), 'revoked');
    equal(await faultOf(bob.encrypt('x')), 'revoked');
  });
});
