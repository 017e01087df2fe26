import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { issueCertificate } from '../../src/engine/crypto/certificate.ts';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createNativeProvider } from '../../src/engine/crypto/native-provider.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import { PRE_KEY_BYTES } from '../../src/engine/crypto/pre-key-record.ts';
import { LAST_RESORT_USES_MAX, REFILLS_KEPT, createPreKeys, openBundle } from '../../src/engine/crypto/pre-keys.ts';
import type { OwnPreKeys, PeerBundle } from '../../src/engine/crypto/pre-keys.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { concatBytes, readUint, uintBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, ROOM, roomIdOf } from '../helpers/samples.ts';
import {
  DAY_S,
  NOW_S,
  fingerprintOf,
  flipped,
  makeDevice,
  mangled,
  recordOf,
  signedHead,
} from './handshake-fixtures.ts';

const SEED = 1_221;
const OWNER = { roomId: ROOM, peerId: BOB };
const CONTEXT = { ...OWNER, dtlsFingerprint: fingerprintOf(0xb0), mode: 1 };
const ONE_TIME = 1;
const LAST_RESORT = 2;

let native: Provider;
let noble: Provider;
let device: DeviceKeys;
let own: OwnPreKeys;
let oneTime: Bytes;

before(async () => {
  native = await createNativeProvider(crypto.subtle);
  noble = await createNobleProvider();
  device = await makeDevice(native);
  own = await createPreKeys(native, device, CONTEXT, 2);
  oneTime = own.oneTime[0]!;
});

function open(head: Bytes, record?: Bytes, owner = OWNER, nowS = NOW_S): Promise<PeerBundle | undefined> {
  return openBundle(native, owner, head, record, nowS);
}

function idOf(record: Bytes): number {
  return readUint(record, 1, 4)!;
}

/** The fields of a record of ours, to be signed again in another way. */
function fieldsOf(record: Bytes): { type: number; id: number; dh: Bytes; kem: Bytes } {
  return { type: record[0]!, id: idOf(record), dh: record.slice(5, 37), kem: record.slice(37) };
}

function lastResortRecord(): Bytes {
  return own.head.slice(194, 194 + PRE_KEY_BYTES);
}

describe('a bundle', () => {
  it('opens as it was made, by and from either provider', async () => {
    for (const [maker, opener] of [
      [native, noble],
      [noble, native],
    ] as const) {
      const keys = await makeDevice(maker);
      const made = await createPreKeys(maker, keys, CONTEXT, 1);
      const record = made.oneTime[0]!;
      const opened = await openBundle(opener, OWNER, made.head, record, NOW_S);
      const { id, dh, kem } = made.lastResort;
      const preKey = made.peekOneTime(idOf(record))!;
      assert.deepEqual(opened, {
        certificate: keys.certificate,
        dtlsFingerprint: CONTEXT.dtlsFingerprint,
        suites: [1],
        mode: 1,
        lastResort: { id, dh: dh.publicKey, kem: kem.publicKey },
        oneTime: { id: preKey.id, dh: preKey.dh.publicKey, kem: preKey.kem.publicKey },
      });
    }
  });

  it('opens without a one-time record', async () => {
    const opened = await open(own.head);
    assert.equal(opened?.oneTime, undefined);
    assert.equal(opened?.lastResort.id, own.lastResort.id);
  });

  it('has the bytes of its document', async () => {
    const { bytes } = device.certificate;
    assert.equal(PRE_KEY_BYTES, 1221);
    assert.deepEqual([oneTime.length, own.head.length], [1221, 1415 + 2 * 32 + 64]);
    assert.deepEqual(own.head.slice(0, 6), Uint8Array.of(1, 1, 1, 2, 0, 1));
    assert.deepEqual(own.head.slice(6, 162), bytes);
    assert.deepEqual(own.head.slice(162, 194), CONTEXT.dtlsFingerprint);
    const record = recordOf(fieldsOf(lastResortRecord()));
    assert.deepEqual(lastResortRecord(), record);
    assert.equal(record[0], LAST_RESORT);
    // Ed25519 (RFC 8032) is deterministic: the same fields give the same signature
    assert.deepEqual(own.head, await signedHead(device.signer, OWNER, bytes, record, own.oneTime));
    assert.equal(oneTime[0], ONE_TIME);
    assert.deepEqual(oneTime, recordOf(fieldsOf(oneTime)));
  });

  it('is signed once, however many records are in it', async () => {
    let signed = 0;
    const sign = (message: Bytes): Promise<Bytes> => {
      signed++;
      return device.signer.sign(message);
    };
    const counting = { ...device, signer: { ...device.signer, sign } };
    const keys = await createPreKeys(native, counting, CONTEXT, 8);
    assert.deepEqual([signed, keys.oneTime.length], [1, 8]);
    await keys.refill();
    assert.equal(signed, 2);
  });

  it('may offer one to eight suites, in the order of its maker', async () => {
    const offering = async (suites: readonly number[]): Promise<readonly number[] | undefined> => {
      const head = await signedHead(device.signer, OWNER, device.certificate.bytes, lastResortRecord(), [], { suites });
      return (await open(head))?.suites;
    };
    assert.deepEqual(await offering([0xffff, 1]), [0xffff, 1]);
    assert.deepEqual(await offering([8, 7, 6, 5, 4, 3, 2, 1]), [8, 7, 6, 5, 4, 3, 2, 1]);
    assert.equal(await offering([]), undefined);
    assert.equal(await offering([9, 8, 7, 6, 5, 4, 3, 2, 1]), undefined);
  });

  it('may have up to eight one-time records, each of which opens', async () => {
    const { signer, certificate } = device;
    const records = Array.from({ length: 9 }, (_, i) => recordOf({ ...fieldsOf(oneTime), id: i + 1 }));
    for (const count of [1, 8]) {
      const offered = records.slice(0, count);
      const head = await signedHead(signer, OWNER, certificate.bytes, lastResortRecord(), offered);
      for (const record of offered) assert.ok(await open(head, record));
      assert.equal(await open(head, records[8]), undefined, 'it is not among them');
    }
    const nine = await signedHead(signer, OWNER, certificate.bytes, lastResortRecord(), records);
    assert.equal(await open(nine, oneTime), undefined);
  });
});

describe('a bundle is refused', () => {
  it('moved to another room or peer id', async () => {
    const elsewhere = { roomId: roomIdOf(0xbb), peerId: BOB };
    const asAlice = { roomId: ROOM, peerId: ALICE };
    for (const owner of [elsewhere, asAlice]) {
      assert.equal(await open(own.head, undefined, owner), undefined);
      // the same keys under a head that is theirs, and no record of ours
      const { signer, certificate } = device;
      const theirs = await signedHead(signer, owner, certificate.bytes, lastResortRecord());
      assert.ok(await open(theirs, undefined, owner));
      assert.equal(await open(theirs, undefined), undefined);
      assert.equal(await open(theirs, oneTime, owner), undefined);
    }
  });

  it('with a last-resort record passed off as one-time, or the reverse', async () => {
    assert.ok(await open(own.head, oneTime));
    assert.equal(await open(own.head, lastResortRecord()), undefined);
    const { signer, certificate } = device;
    const head = await signedHead(signer, OWNER, certificate.bytes, oneTime);
    assert.equal(await open(head), undefined);
    const relabelled = concatBytes(Uint8Array.of(ONE_TIME), lastResortRecord().slice(1));
    assert.equal(await open(own.head, relabelled), undefined, 'the type is under the hash');
    const both = await signedHead(signer, OWNER, certificate.bytes, lastResortRecord(), [lastResortRecord()]);
    assert.ok(await open(both));
    assert.equal(await open(both, lastResortRecord()), undefined, 'even where its hash is there');
  });

  it('with the certificate of another, or the records of another certificate of the same device', async () => {
    const other = await makeDevice(native);
    const stolen = concatBytes(own.head.slice(0, 6), other.certificate.bytes, own.head.slice(162));
    assert.equal(await open(stolen), undefined);
    const renewed = await issueCertificate(device.signer, device.dh.publicKey, 'device', NOW_S, DAY_S);
    const swapped = concatBytes(own.head.slice(0, 6), renewed.bytes, own.head.slice(162));
    assert.equal(await open(swapped), undefined, 'the head is bound to the certificate');
    const whole = await signedHead(device.signer, OWNER, renewed.bytes, lastResortRecord());
    assert.ok(await open(whole));
    assert.equal(await open(whole, oneTime), undefined, 'and so are its one-time records');
  });

  it('signed by another than its certificate says', async () => {
    const other = await makeDevice(native);
    const { bytes } = device.certificate;
    const head = await signedHead(other.signer, OWNER, bytes, lastResortRecord(), [oneTime]);
    assert.equal(await open(head), undefined);
    assert.equal(await open(head, oneTime), undefined);
  });

  it('with a record that its head does not name: of another refill, or of another peer', async () => {
    const keys = await createPreKeys(native, device, CONTEXT, 2);
    const [head, records] = [keys.head, keys.oneTime];
    await keys.refill();
    for (const record of records) {
      assert.ok(await open(head, record), 'who was handed both has what belongs together');
      assert.equal(await open(keys.head, record), undefined);
    }
    for (const record of keys.oneTime) assert.equal(await open(head, record), undefined);
    assert.deepEqual((await open(head))?.lastResort, (await open(keys.head))?.lastResort);
    const others = await createPreKeys(native, await makeDevice(native), CONTEXT, 1);
    assert.equal(await open(own.head, others.oneTime[0]), undefined);
  });

  it('with an expired certificate', async () => {
    assert.ok(await open(own.head, oneTime, OWNER, NOW_S + DAY_S));
    assert.equal(await open(own.head, oneTime, OWNER, NOW_S + DAY_S + 300), undefined);
  });

  it('of another version, with an id of 0, or with a certificate that is none', async () => {
    const { signer, certificate } = device;
    const { bytes } = certificate;
    assert.equal(await open(await signedHead(signer, OWNER, bytes, lastResortRecord(), [], { version: 2 })), undefined);
    const nobody = recordOf({ ...fieldsOf(lastResortRecord()), id: 0 });
    assert.equal(await open(await signedHead(signer, OWNER, bytes, nobody)), undefined);
    const nothing = recordOf({ ...fieldsOf(oneTime), id: 0 });
    const named = await signedHead(signer, OWNER, bytes, lastResortRecord(), [nothing]);
    assert.ok(await open(named));
    assert.equal(await open(named, nothing), undefined);
    const blank = await signedHead(signer, OWNER, new Uint8Array(156), lastResortRecord());
    assert.equal(await open(blank), undefined);
  });

  it('at every other length of head and record', async () => {
    const { head } = own;
    for (let length = 0; length < head.length; length++) assert.equal(await open(head.slice(0, length)), undefined);
    for (let length = 0; length < oneTime.length; length++) {
      assert.equal(await open(head, oneTime.slice(0, length)), undefined);
    }
    assert.equal(await open(concatBytes(head, Uint8Array.of(0))), undefined);
    assert.equal(await open(head, concatBytes(oneTime, Uint8Array.of(0))), undefined);
  });

  it('with any byte of the head flipped', async () => {
    const random = new Random(SEED);
    for (let at = 0; at < own.head.length; at++) {
      assert.equal(await open(flipped(own.head, at, random)), undefined, `byte ${at}, seed ${SEED}`);
    }
  });

  it('with any byte of the one-time record flipped', async () => {
    const random = new Random(SEED);
    for (let at = 0; at < oneTime.length; at++) {
      assert.equal(await open(own.head, flipped(oneTime, at, random)), undefined, `byte ${at}, seed ${SEED}`);
    }
  });

  it('mangled in any way, and never thrown at', async () => {
    const random = new Random(SEED);
    for (let i = 0; i < 1_000; i++) {
      const head = random.chance(0.5) ? mangled(own.head, random) : own.head;
      const record = random.chance(0.5) ? mangled(oneTime, random) : oneTime;
      const isSame = Buffer.compare(head, own.head) === 0 && Buffer.compare(record, oneTime) === 0;
      assert.equal((await open(head, record)) !== undefined, isSame, `input ${i}, seed ${SEED}`);
      assert.equal(await open(random.bytes(random.below(2_000)), random.bytes(random.below(1_400))), undefined);
    }
  });
});

describe('our own pre-keys', () => {
  it('are given out once each', async () => {
    const keys = await createPreKeys(native, device, CONTEXT, 3);
    assert.equal(keys.oneTime.length, 3);
    const ids = keys.oneTime.map(idOf);
    assert.equal(new Set([...ids, keys.lastResort.id]).size, 4);
    const [first, second, third] = ids as [number, number, number];
    assert.equal(keys.peekOneTime(second), keys.peekOneTime(second), 'a look spends nothing');
    assert.equal(keys.takeOneTime(second)?.id, second);
    assert.equal(keys.takeOneTime(second), undefined);
    assert.equal(keys.peekOneTime(second), undefined);
    assert.deepEqual(keys.oneTime.map(idOf), [first, third]);
    for (const unknown of [0, 99, keys.lastResort.id]) assert.equal(keys.takeOneTime(unknown), undefined);
  });

  it('are refilled with new ids, and what may be in a newcomer’s hands already is not offered again', async () => {
    const keys = await createPreKeys(native, device, CONTEXT, 2);
    const [used, handedOut] = keys.oneTime.map(idOf) as [number, number];
    const { head } = keys;
    keys.takeOneTime(used);
    await keys.refill();
    const fresh = keys.oneTime.map(idOf);
    assert.equal(fresh.length, 2);
    assert.ok(
      fresh.every((id) => id > handedOut),
      'no id comes twice',
    );
    assert.equal(keys.takeOneTime(used), undefined, 'nor does a used key come back');
    assert.equal(keys.takeOneTime(handedOut)?.id, handedOut, 'who was handed one can still use it');
    assert.notDeepEqual(keys.head, head);
    for (const record of keys.oneTime) assert.ok(await open(keys.head, record));
    const newest = Math.max(...fresh);
    assert.ok(
      [used, handedOut, ...fresh].every((id) => keys.hasIssued(id)),
      'also those that are gone',
    );
    for (const id of [0, keys.lastResort.id, newest + 1]) assert.equal(keys.hasIssued(id), false);
  });

  it('are kept for a few refills where nobody uses them, and no longer', async () => {
    const keys = await createPreKeys(native, device, CONTEXT, 2);
    const ids = keys.oneTime.map(idOf);
    for (let refills = 1; refills < REFILLS_KEPT; refills++) await keys.refill();
    assert.ok(ids.every((id) => keys.peekOneTime(id)));
    await keys.refill();
    assert.deepEqual(
      ids.map((id) => keys.peekOneTime(id)),
      [undefined, undefined],
    );
    assert.equal(keys.oneTime.length, 2);
  });

  it('are whole after two refills at once, and as they were after one that fails', async () => {
    let isBroken = false;
    const brittle: Provider = {
      ...native,
      generateKem: () => (isBroken ? Promise.reject(new Error('no entropy')) : native.generateKem()),
    };
    const keys = await createPreKeys(brittle, device, CONTEXT, 2);
    await Promise.all([keys.refill(), keys.refill()]);
    const before = keys.oneTime.map(idOf);
    const { head } = keys;
    for (const record of keys.oneTime) assert.ok(await open(head, record), 'the head is that of these records');
    assert.equal(new Set(before).size, 2);
    isBroken = true;
    await assert.rejects(keys.refill(), /no entropy/);
    assert.deepEqual([keys.oneTime.map(idOf), keys.head], [before, head]);
    isBroken = false;
    await keys.refill();
    assert.ok(keys.oneTime.map(idOf).every((id) => id > Math.max(...before)));
  });

  it('may be none but the last resort', async () => {
    const keys = await createPreKeys(native, device, CONTEXT, 0);
    await keys.refill();
    assert.deepEqual(keys.oneTime, []);
    assert.ok(await open(keys.head));
  });

  it('are spent once: a one-time key by its id, the last resort by the transcript', async () => {
    const keys = await createPreKeys(native, device, CONTEXT, 1);
    const id = idOf(keys.oneTime[0]!);
    const [one, other] = [fingerprintOf(1), fingerprintOf(2)];
    assert.equal(keys.spend(id, one), true);
    assert.equal(keys.spend(id, other), false);
    assert.equal(keys.spend(0, one), true);
    assert.equal(keys.spend(0, one), false);
    assert.equal(keys.spend(0, other), true);
  });

  it('serve a last resort so often as can be remembered, then no more', async () => {
    const keys = await createPreKeys(native, device, CONTEXT, 1);
    for (let use = 0; use < LAST_RESORT_USES_MAX; use++) assert.ok(keys.spend(0, uintBytes(use, 64)));
    assert.equal(keys.spend(0, uintBytes(LAST_RESORT_USES_MAX, 64)), false);
    assert.equal(keys.spend(0, uintBytes(0, 64)), false);
    assert.ok(keys.spend(idOf(keys.oneTime[0]!), uintBytes(0, 64)), 'a one-time key goes on');
  });

  it('show no private key to whoever looks at the object', () => {
    assert.deepEqual(Object.keys(own).sort(), ['lastResort']);
    assert.ok(!JSON.stringify(own.oneTime).includes('agree'));
  });
});
