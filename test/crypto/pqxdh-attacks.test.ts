import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { issueCertificate } from '../../src/engine/crypto/certificate.ts';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createNativeProvider } from '../../src/engine/crypto/native-provider.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import { openBundle } from '../../src/engine/crypto/pre-keys.ts';
import type { DhKey, Provider } from '../../src/engine/crypto/provider.ts';
import { concatBytes, toHex, uintBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, ROOM, roomIdOf } from '../helpers/samples.ts';
import {
  DAY_S,
  NOW_S,
  SMALL_ORDER_KEYS,
  fingerprintOf,
  flipped,
  makeDevice,
  mangled,
  recordOf,
  signedCertificate,
  signedHead,
} from './handshake-fixtures.ts';
import {
  CERTIFICATE_AT,
  CIPHERTEXT_AT,
  EPHEMERAL_AT,
  FINGERPRINT_AT,
  HERE,
  HandshakeStage,
  LAST_RESORT_ID_AT,
  MODE_AT,
  ONE_TIME_ID_AT,
  SUITE_AT,
  assertApart,
  publish,
  put,
} from './handshake-stage.ts';

const SEED = 1_320;

let native: Provider;
let noble: Provider;
let stage: HandshakeStage;

before(async () => {
  native = await createNativeProvider(crypto.subtle);
  noble = await createNobleProvider();
  stage = await HandshakeStage.create(native);
});

describe('a header', () => {
  it('of any other length or version is malformed', async () => {
    const { header } = await stage.begun(await stage.bundle());
    for (let length = 0; length < header.length; length++) {
      await stage.assertFault(header.slice(0, length), 'malformed');
    }
    await stage.assertFault(concatBytes(header, Uint8Array.of(0)), 'malformed');
    await stage.assertFault(put(header, 0, Uint8Array.of(2)), 'malformed');
  });

  it('with any byte flipped is refused, or gives keys that open nothing', async () => {
    const random = new Random(SEED);
    const { header, secrets } = await stage.begun(await stage.bundle());
    let apart = 0;
    for (let at = 0; at < header.length; at++) {
      const answer = await stage.answer(flipped(header, at, random));
      if (!answer.ok) continue;
      assertApart(secrets, answer.secrets);
      assert.notDeepEqual(answer.secrets.transcriptHash, secrets.transcriptHash);
      apart++;
    }
    // not refused at once: ciphertext, fingerprint, most of the ephemeral key, and one one-time id made into another
    assert.ok(apart > 1088 && apart <= 1088 + 32 + 32 + 1, `${apart}, seed ${SEED}`);
  });

  it('mangled in any way is refused, or gives keys that open nothing; nothing is thrown', async () => {
    const random = new Random(SEED);
    const { header, secrets } = await stage.begun(await stage.bundle());
    for (let i = 0; i < 1_000; i++) {
      const changed = mangled(header, random);
      const answer = await stage.answer(changed);
      if (answer.ok && toHex(changed) !== toHex(header)) assertApart(secrets, answer.secrets);
      assert.equal((await stage.answer(random.bytes(header.length))).ok, false);
    }
  });
});

describe('stripped of its post-quantum part', () => {
  it('a handshake gives keys that open nothing: ciphertext of zeros, or of another', async () => {
    const bundle = await stage.bundle();
    const { header, secrets } = await stage.begun(bundle);
    const other = await stage.begun(bundle);
    for (const ciphertext of [new Uint8Array(1088), other.header.slice(CIPHERTEXT_AT)]) {
      await stage.assertApart({ header: put(header, CIPHERTEXT_AT, ciphertext), secrets });
    }
  });

  it('a bundle is refused: with a KEM key of zeros, or one that somebody else can open', async () => {
    const theirs = await native.generateKem();
    for (const kem of [new Uint8Array(1184), theirs.publicKey]) {
      const owner = { roomId: ROOM, peerId: BOB };
      const { head, oneTime } = stage.bobsKeys;
      const record = put(oneTime[0]!, 37, kem);
      assert.equal(await openBundle(native, owner, head, record, NOW_S), undefined);
      assert.equal(await openBundle(native, owner, put(head, 231, kem), undefined, NOW_S), undefined);
    }
  });

  it('of its one-time key, a header says so to Bob, and his keys are others than Alice’s', async () => {
    const { header, secrets } = await stage.begun(await stage.bundle());
    await stage.assertApart({ header: put(header, ONE_TIME_ID_AT, new Uint8Array(4)), secrets });
  });

  it('a handshake does not begin with an ML-KEM key that is not one', async () => {
    const bundle = await stage.bundle(false);
    const kem = new Uint8Array(1184).fill(0xff);
    for (const provider of [native, noble]) {
      assert.equal(
        await stage.begin({ ...bundle, lastResort: { ...bundle.lastResort, kem } }, { provider }),
        undefined,
      );
    }
  });
});

describe('downgraded', () => {
  it('suite: refused where it is no common one', async () => {
    const bundle = await stage.bundle();
    assert.equal(await stage.begin({ ...bundle, suites: [2, 3] }), undefined);
    const { header } = await stage.begun(bundle);
    await stage.assertFault(put(header, SUITE_AT, Uint8Array.of(0, 2)), 'wrong-suite');
    await stage.assertFault(put(header, SUITE_AT, Uint8Array.of(0, 2)), 'wrong-suite', { suites: [2, 1] });
    await stage.assertFault(header, 'wrong-suite', { suites: [2] });
  });

  it('suite: a better one cut from the offer gives keys that open nothing', async () => {
    const bundle = await stage.bundle();
    await stage.assertApart(await stage.begun({ ...bundle, suites: [1] }), { suites: [2, 1] });
    await stage.assertApart(await stage.begun({ ...bundle, suites: [1, 2] }), { suites: [2, 1] });
    const agreed = await stage.begun({ ...bundle, suites: [2, 1] });
    assert.deepEqual((await stage.answered(agreed.header, { suites: [2, 1] })).secrets, agreed.secrets);
  });

  it('mode: refused by either side', async () => {
    const bundle = await stage.bundle();
    assert.equal(await stage.begin({ ...bundle, mode: 0 }), undefined);
    assert.equal(await stage.begin(bundle, { room: { ...HERE, mode: 0 } }), undefined);
    const { header } = await stage.begun(bundle);
    await stage.assertFault(put(header, MODE_AT, Uint8Array.of(0)), 'wrong-mode');
    await stage.assertFault(header, 'wrong-mode', { room: { ...HERE, mode: 0 } });
  });

  it('mode: an honest peer of another mode publishes a bundle that says so', async () => {
    const keys = await publish(native, stage.bob, 0, 0);
    assert.equal(await stage.begin(await stage.bundle(false, keys)), undefined);
  });
});

describe('with DTLS fingerprints swapped', () => {
  it('no keys are agreed: Alice’s in the header, Bob’s in the bundle, both exchanged', async () => {
    const bundle = await stage.bundle();
    const { header, secrets } = await stage.begun(bundle);
    const mallorys = fingerprintOf(0x66);
    await stage.assertApart({ header: put(header, FINGERPRINT_AT, mallorys), secrets });
    await stage.assertApart(await stage.begun({ ...bundle, dtlsFingerprint: mallorys }));
    const exchanged = put(header, FINGERPRINT_AT, fingerprintOf(0xb0));
    await stage.assertApart({ header: exchanged, secrets }, { fingerprint: fingerprintOf(0xa1) });
    const owner = { roomId: ROOM, peerId: BOB };
    assert.equal(await openBundle(native, owner, put(stage.bobsKeys.head, 162, mallorys), undefined, NOW_S), undefined);
  });
});

describe('a pre-key', () => {
  it('one-time, reused: the first message that opens spends it, the second handshake is refused', async () => {
    const keys = await publish(native, stage.bob, 1);
    const bundle = await stage.bundle(true, keys);
    const [first, second] = [await stage.begun(bundle), await stage.begun(bundle, { self: CAROL })];
    const answered = await stage.answered(first.header, { keys });
    assert.equal(keys.spend(answered.oneTimeId, answered.secrets.transcriptHash), true);
    await stage.assertFault(second.header, 'unknown-pre-key', { keys, from: CAROL });
  });

  it('one-time, is not used up by headers without a message', async () => {
    const keys = await publish(native, stage.bob, 1);
    const bundle = await stage.bundle(true, keys);
    for (let i = 0; i < 3; i++) await stage.answered((await stage.begun(bundle)).header, { keys });
    assert.equal(keys.oneTime.length, 1);
  });

  it('of an unknown id is refused', async () => {
    for (const hasOneTime of [true, false]) {
      const { header } = await stage.begun(await stage.bundle(hasOneTime));
      for (const id of [0, 2, 0xffff_ffff]) {
        await stage.assertFault(put(header, LAST_RESORT_ID_AT, uintBytes(id, 4)), 'unknown-pre-key');
      }
      // the id of the last resort is not one of a one-time key
      for (const id of [1, 99, 0xffff_ffff]) {
        await stage.assertFault(put(header, ONE_TIME_ID_AT, uintBytes(id, 4)), 'unknown-pre-key');
      }
    }
  });

  it('exchanged for another of the same bundle gives keys that open nothing', async () => {
    const { header, secrets } = await stage.begun(await stage.bundle(false));
    for (const record of stage.bobsKeys.oneTime) {
      await stage.assertApart({ header: put(header, ONE_TIME_ID_AT, record.slice(1, 5)), secrets });
    }
  });
});

describe('a header replayed', () => {
  it('with a one-time key: unknown, once it was spent', async () => {
    const keys = await publish(native, stage.bob, 1);
    const { header } = await stage.begun(await stage.bundle(true, keys));
    const { oneTimeId, secrets } = await stage.answered(header, { keys });
    assert.equal(keys.spend(oneTimeId, secrets.transcriptHash), true);
    await stage.assertFault(header, 'unknown-pre-key', { keys });
  });

  it('at the same time, in either case: one of the two is spent', async () => {
    const keys = await publish(native, stage.bob, 1);
    for (const hasOneTime of [true, false]) {
      const { header } = await stage.begun(await stage.bundle(hasOneTime, keys));
      const answers = await Promise.all([stage.answered(header, { keys }), stage.answered(header, { keys })]);
      const spent = answers.map(({ oneTimeId, secrets }) => keys.spend(oneTimeId, secrets.transcriptHash));
      assert.deepEqual(spent, [true, false]);
    }
  });

  it('with the last resort: the same keys again, and they are spent', async () => {
    const { header } = await stage.begun(await stage.bundle(false));
    const first = await stage.answered(header);
    assert.equal(stage.bobsKeys.spend(first.oneTimeId, first.secrets.transcriptHash), true);
    const again = await stage.answered(header);
    assert.deepEqual(again.secrets, first.secrets);
    assert.equal(stage.bobsKeys.spend(again.oneTimeId, again.secrets.transcriptHash), false);
    const next = await stage.begun(await stage.bundle(false));
    const { oneTimeId, secrets } = await stage.answered(next.header);
    assert.equal(stage.bobsKeys.spend(oneTimeId, secrets.transcriptHash), true, 'another handshake is another');
  });

  it('as another peer, in another room, or to Bob’s next presence opens nothing', async () => {
    const initiated = await stage.begun(await stage.bundle(false));
    await stage.assertApart(initiated, { from: CAROL });
    await stage.assertApart(initiated, { self: CAROL });
    await stage.assertApart(initiated, { room: { ...HERE, roomId: roomIdOf(0xbb) } });
    await stage.assertApart(initiated, { keys: await publish(native, stage.bob, 0) });
  });

  it('to its own maker opens nothing', async () => {
    const keys = await publish(native, stage.alice, 0);
    const initiated = await stage.begun(await stage.bundle(false));
    await stage.assertApart(initiated, { device: stage.alice, keys, self: ALICE, from: BOB });
  });
});

describe('a certificate', () => {
  let mallory: DeviceKeys;

  before(async () => {
    mallory = await makeDevice(native);
  });

  it('of another does not make its bearer the other', async () => {
    const bundle = await stage.bundle();
    const posing = { ...mallory, certificate: stage.alice.certificate };
    await stage.assertApart(await stage.begun(bundle, { device: posing }));
  });

  it('over the key of another does not make the other’s handshake one’s own', async () => {
    const { header, secrets } = await stage.begun(await stage.bundle());
    const claimed = await issueCertificate(mallory.signer, stage.alice.dh.publicKey, 'device', NOW_S, DAY_S);
    await stage.assertApart({ header: put(header, CERTIFICATE_AT, claimed.bytes), secrets });
  });

  it('of somebody else at Bob’s side gives keys that open nothing', async () => {
    const bundle = await stage.bundle();
    await stage.assertApart(await stage.begun({ ...bundle, certificate: mallory.certificate }));
    const initiated = await stage.begun(bundle);
    await stage.assertApart(initiated, { device: mallory });
    await stage.assertApart(initiated, { device: { ...stage.bob, certificate: mallory.certificate } });
  });

  it('that is malformed, not signed, expired, or not valid yet, is refused', async () => {
    const { header } = await stage.begun(await stage.bundle());
    await stage.assertFault(header, 'bad-certificate', { nowS: NOW_S + DAY_S + 300 });
    await stage.assertFault(header, 'bad-certificate', { nowS: NOW_S - 301 });
    await stage.assertFault(put(header, CERTIFICATE_AT, new Uint8Array(156)), 'bad-certificate');
    const forged = put(header, CERTIFICATE_AT + 12, mallory.signer.publicKey);
    await stage.assertFault(forged, 'bad-certificate');
    await stage.assertFault(put(header, CERTIFICATE_AT + 92, mallory.certificate.bytes.slice(92)), 'bad-certificate');
  });
});

describe('without the room’s link', () => {
  it('no keys are agreed, whatever else is known', async () => {
    const bundle = await stage.bundle();
    await stage.assertApart(await stage.begun(bundle, { room: { ...HERE, psk: new Uint8Array(32) } }));
    await stage.assertApart(await stage.begun(bundle, { room: { ...HERE, roomId: roomIdOf(0xbb) } }));
  });
});

describe('X25519 keys of small order, and zeros', () => {
  it('in the newcomer’s certificate are refused', async () => {
    const { header } = await stage.begun(await stage.bundle());
    for (const key of SMALL_ORDER_KEYS) {
      const certificate = await signedCertificate(stage.alice.signer, key);
      for (const provider of [native, noble]) {
        await stage.assertFault(put(header, CERTIFICATE_AT, certificate), 'refused-key', { provider });
      }
    }
  });

  it('as ephemeral key are refused, with a one-time key and without', async () => {
    for (const hasOneTime of [true, false]) {
      const { header } = await stage.begun(await stage.bundle(hasOneTime));
      for (const key of SMALL_ORDER_KEYS) await stage.assertFault(put(header, EPHEMERAL_AT, key), 'refused-key');
    }
  });

  it('are refused by noble’s keys as by native ones', async () => {
    const host = await makeDevice(noble);
    const keys = await publish(noble, host, 1);
    const { header } = await stage.begun(await stage.bundle(true, keys));
    for (const key of SMALL_ORDER_KEYS) {
      await stage.assertFault(put(header, EPHEMERAL_AT, key), 'refused-key', { provider: noble, device: host, keys });
    }
  });

  it('in a bundle that Bob himself has signed are refused: certificate, last resort, one-time key', async () => {
    const { signer } = stage.bob;
    const owner = { roomId: ROOM, peerId: BOB };
    const good = (await native.generateDh()).publicKey;
    const kem = (await native.generateKem()).publicKey;
    const begun = async (provider: Provider, identity: Bytes, lastResort: Bytes, oneTime: Bytes): Promise<boolean> => {
      const device = await signedCertificate(signer, identity);
      const last = recordOf({ type: 2, id: 1, dh: lastResort, kem });
      const once = recordOf({ type: 1, id: 2, dh: oneTime, kem });
      const head = await signedHead(signer, owner, device, last, [once]);
      const bundle = await openBundle(provider, owner, head, once, NOW_S);
      assert.ok(bundle);
      const alice = await makeDevice(provider);
      return (await stage.begin(bundle, { provider, device: alice })) !== undefined;
    };
    for (const provider of [native, noble]) {
      assert.equal(await begun(provider, good, good, good), true);
      for (const key of SMALL_ORDER_KEYS) {
        assert.equal(await begun(provider, key, good, good), false);
        assert.equal(await begun(provider, good, key, good), false);
        assert.equal(await begun(provider, good, good, key), false);
      }
    }
  });

  it('would be refused for their zeros alone: no secret is derived where an agreement is refused', async () => {
    const refusing: DhKey = { publicKey: stage.alice.dh.publicKey, agree: async () => undefined };
    assert.equal(await stage.begin(await stage.bundle(), { device: { ...stage.alice, dh: refusing } }), undefined);
  });
});
