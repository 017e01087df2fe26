import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { parseCertificate } from '../../src/engine/crypto/certificate.ts';
import type { Certificate, DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createNativeProvider } from '../../src/engine/crypto/native-provider.ts';
import { createNobleProvider } from '../../src/engine/crypto/noble-provider.ts';
import { HEADER_BYTES } from '../../src/engine/crypto/pqxdh.ts';
import type { SessionSecrets } from '../../src/engine/crypto/pqxdh.ts';
import { transcript, transcriptHash } from '../../src/engine/crypto/pqxdh-transcript.ts';
import type { Handshake, Party } from '../../src/engine/crypto/pqxdh-transcript.ts';
import type { PeerBundle } from '../../src/engine/crypto/pre-keys.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { asciiBytes, concatBytes, readUint, toBase64Url, toHex, uintBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { idBytes, peerIdFromBytes, roomIdFromBytes } from '../../src/engine/protocol/ids.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, ROOM } from '../helpers/samples.ts';
import { makeDevice, seededDevice, seededProvider, watched } from './handshake-fixtures.ts';
import type { SeededProvider } from './handshake-fixtures.ts';
import {
  ALICES_FINGERPRINT,
  BOBS_FINGERPRINT,
  CIPHERTEXT_AT,
  EPHEMERAL_AT,
  HandshakeStage,
  PSK,
  fetched,
  publish,
} from './handshake-stage.ts';

const SEED = 7;

let native: Provider;
let noble: Provider;
let stage: HandshakeStage;

before(async () => {
  native = await createNativeProvider(crypto.subtle);
  noble = await createNobleProvider();
  stage = await HandshakeStage.create(native);
});

describe('PQXDH', () => {
  it('gives both sides the same secrets, with native keys and with noble’s on either side', async () => {
    const providers = { native, noble };
    for (const [newcomers, ours] of Object.entries(providers)) {
      for (const [hosts, theirs] of Object.entries(providers)) {
        const [newcomer, host] = await Promise.all([makeDevice(ours), makeDevice(theirs)]);
        const keys = await publish(theirs, host, 1);
        for (const hasOneTime of [true, false]) {
          const bundle = await fetched(ours, keys, hasOneTime);
          const { header, secrets } = await stage.begun(bundle, { provider: ours, device: newcomer });
          const answered = await stage.answered(header, { provider: theirs, device: host, keys });
          assert.deepEqual(answered.secrets, secrets, `${newcomers} to ${hosts}`);
          assert.deepEqual(answered.certificate, newcomer.certificate);
          assert.deepEqual(answered.dtlsFingerprint, ALICES_FINGERPRINT);
          assert.equal(answered.oneTimeId, hasOneTime ? bundle.oneTime?.id : 0);
        }
      }
    }
  });

  it('gives four different keys of 32 bytes and the hash of the transcript, new ones every time', async () => {
    const bundle = await stage.bundle();
    const all = await Promise.all(Array.from({ length: 8 }, () => stage.begun(bundle)));
    for (const { secrets, header } of all) {
      const { transcriptHash: hash, ...keys } = secrets;
      assert.ok(Object.values(keys).every((key) => key.length === 32));
      assert.equal(hash.length, 64);
      assert.equal(header.length, HEADER_BYTES);
      assert.equal(HEADER_BYTES, 1320);
    }
    assert.equal(new Set(all.flatMap(({ secrets }) => Object.values(secrets).map(toHex))).size, 8 * 5);
  });

  it('takes one new key, three or four agreements and one KEM step a side, and one signature to check', async () => {
    for (const hasOneTime of [true, false]) {
      let counts: { [name: string]: number } = {};
      const provider = watched(native, (name) => (counts[name] = (counts[name] ?? 0) + 1));
      const [newcomer, host] = await Promise.all([makeDevice(provider), makeDevice(provider)]);
      const keys = await publish(provider, host, 1);
      const agree = hasOneTime ? 4 : 3;
      counts = {};
      const bundle = await fetched(provider, keys, hasOneTime);
      assert.deepEqual(counts, { verify: 2 });
      counts = {};
      const { header } = await stage.begun(bundle, { provider, device: newcomer });
      assert.deepEqual(counts, { generateDh: 1, agree, encapsulate: 1 });
      counts = {};
      await stage.answered(header, { provider, device: host, keys });
      assert.deepEqual(counts, { verify: 1, agree, decapsulate: 1 });
    }
  });

  it('leaves zeros where the shared secrets were', async () => {
    const given: Bytes[] = [];
    const provider = watched(native, (_name, secret) => secret && given.push(secret));
    const [newcomer, host] = await Promise.all([makeDevice(provider), makeDevice(provider)]);
    const keys = await publish(provider, host, 1);
    const { header } = await stage.begun(await fetched(native, keys, true), { provider, device: newcomer });
    await stage.answered(header, { provider, device: host, keys });
    assert.equal(given.length, 10);
    assert.ok(given.every((secret) => secret.every((byte) => byte === 0)));
    assert.ok(
      PSK.every((byte) => byte === 0x55),
      'the psk is for the next handshake too',
    );
  });
});

describe('PQXDH, known answers', () => {
  /** Root keys from the seed. They pin the whole derivation: a change of any label, order or length changes them. */
  const ROOT_KEYS = {
    'with a one-time key': 'd135d99d1767753f9764077c77f3d83d92db260398f2b02b78e5c93cee9aaa05',
    'with the last resort': '45bdafb8249500b4358489e667f961ef6a2002333713f083295dfd8a1fb0c66e',
  };

  for (const [name, rootKey] of Object.entries(ROOT_KEYS)) {
    it(`are those of OpenSSL's X25519, HKDF and SHA-512, and stay: ${name}`, async () => {
      const provider = seededProvider(SEED);
      const [newcomer, host] = [await seededDevice(provider), await seededDevice(provider)];
      const keys = await publish(provider, host, 1);
      const bundle = await fetched(provider, keys, name.includes('one-time'));
      const { header, secrets } = await stage.begun(bundle, { provider, device: newcomer });
      assert.deepEqual(secrets, byOpenSsl(provider, newcomer, host, bundle, header));
      assert.equal(toHex(secrets.rootKey), rootKey);
      assert.deepEqual((await stage.answered(header, { provider, device: host, keys })).secrets, secrets);
    });
  }

  /** The derivation once more, written from its document. */
  function byOpenSsl(
    provider: SeededProvider,
    initiator: DeviceKeys,
    responder: DeviceKeys,
    { lastResort, oneTime }: PeerBundle,
    header: Bytes,
  ): SessionSecrets {
    const agree = (own: Bytes, other: Bytes): Uint8Array => {
      const x = toBase64Url(own);
      const d = toBase64Url(provider.dhSecrets.get(toHex(own))!);
      const jwk = { kty: 'OKP', crv: 'X25519' };
      return diffieHellman({
        privateKey: createPrivateKey({ key: { ...jwk, x, d }, format: 'jwk' }),
        publicKey: createPublicKey({ key: { ...jwk, x: toBase64Url(other) }, format: 'jwk' }),
      });
    };
    const ephemeral = header.slice(EPHEMERAL_AT, EPHEMERAL_AT + 32);
    const [certificateI, certificateR] = [initiator.certificate.bytes, responder.certificate.bytes];
    const [identityI, identityR] = [initiator.dh.publicKey, responder.dh.publicKey];
    const type = (byte: number): Bytes => Uint8Array.of(byte);
    const seen = concatBytes(
      asciiBytes('tai/1 transcript'),
      Uint8Array.of(1, 1, 1, 0, 1, 0, 1),
      ...[idBytes(ROOM), idBytes(ALICE), idBytes(BOB), certificateI, certificateR],
      ...[type(1), identityI, type(2), ephemeral, type(3), identityR, type(4), lastResort.dh],
      ...(oneTime ? [type(5), oneTime.dh, type(6), oneTime.kem] : [type(7), lastResort.kem]),
      header.slice(CIPHERTEXT_AT),
      ...[uintBytes(lastResort.id, 4), uintBytes(oneTime?.id ?? 0, 4)],
      ...[ALICES_FINGERPRINT, BOBS_FINGERPRINT],
    );
    const hash = new Uint8Array(createHash('sha512').update(seen).digest());
    const input = concatBytes(
      new Uint8Array(32).fill(0xff),
      agree(identityI, lastResort.dh),
      agree(ephemeral, identityR),
      agree(ephemeral, lastResort.dh),
      ...(oneTime ? [agree(ephemeral, oneTime.dh)] : []),
      provider.kemSecrets[0]!,
      PSK,
    );
    const info = concatBytes(asciiBytes('tai/1 PQXDH'), hash);
    const material = new Uint8Array(hkdfSync('sha512', input, new Uint8Array(64), info, 128));
    return {
      rootKey: material.slice(0, 32),
      initiatorHeaderKey: material.slice(32, 64),
      responderHeaderKey: material.slice(64, 96),
      exporter: material.slice(96),
      transcriptHash: hash,
    };
  }
});

describe('the transcript', () => {
  function party(random: Random): Party {
    const bytes = random.bytes(156);
    bytes.set([1, random.below(2)]);
    return {
      // of this length, version and kind it parses
      certificate: parseCertificate(bytes) as Certificate,
      peerId: peerIdFromBytes(random.bytes(16))!,
      dtlsFingerprint: random.bytes(32),
    };
  }

  function anyHandshake(random: Random): Handshake {
    const preKey = (): Handshake['lastResort'] => ({
      id: 1 + random.below(2 ** 32 - 1),
      dh: random.bytes(32),
      kem: random.bytes(1184),
    });
    return {
      mode: random.below(256),
      suitesOffered: Array.from({ length: 1 + random.below(8) }, () => random.below(65_536)),
      suite: random.below(65_536),
      roomId: roomIdFromBytes(random.bytes(32))!,
      initiator: party(random),
      responder: party(random),
      ephemeralKey: random.bytes(32),
      lastResort: preKey(),
      oneTime: random.chance(0.5) ? preKey() : undefined,
      kemCiphertext: random.bytes(1088),
    };
  }

  /** Reads a transcript back. Of the last-resort key that was not used, the ML-KEM half is not in it. */
  function read(bytes: Bytes): Handshake {
    let at = 0;
    const take = (length: number): Bytes => bytes.slice(at, (at += length));
    const number = (length: number): number => readUint(take(length), 0, length)!;
    const key = (type: number, length: number): Bytes => {
      assert.equal(number(1), type);
      return take(length);
    };
    assert.deepEqual(take(17), concatBytes(asciiBytes('tai/1 transcript'), Uint8Array.of(1)));
    const mode = number(1);
    const suitesOffered = Array.from({ length: number(1) }, () => number(2));
    const suite = number(2);
    const roomId = roomIdFromBytes(take(32))!;
    const peerIds = [peerIdFromBytes(take(16))!, peerIdFromBytes(take(16))!] as const;
    const certificates = [parseCertificate(take(156))!, parseCertificate(take(156))!] as const;
    assert.deepEqual(key(1, 32), certificates[0].dhKey);
    const ephemeralKey = key(2, 32);
    assert.deepEqual(key(3, 32), certificates[1].dhKey);
    const lastResortDh = key(4, 32);
    const isOneTime = bytes[at] === 5;
    const dh = isOneTime ? key(5, 32) : lastResortDh;
    const kem = key(isOneTime ? 6 : 7, 1184);
    const kemCiphertext = take(1088);
    const ids = [number(4), number(4)] as const;
    const fingerprints = [take(32), take(32)] as const;
    assert.equal(at, bytes.length);
    return {
      ...{ mode, suitesOffered, suite, roomId, ephemeralKey, kemCiphertext },
      initiator: { peerId: peerIds[0], certificate: certificates[0], dtlsFingerprint: fingerprints[0] },
      responder: { peerId: peerIds[1], certificate: certificates[1], dtlsFingerprint: fingerprints[1] },
      lastResort: { id: ids[0], dh: lastResortDh, kem: isOneTime ? new Uint8Array() : kem },
      oneTime: isOneTime ? { id: ids[1], dh, kem } : undefined,
    };
  }

  it('can be read back in one way only, so that no two handshakes share one', () => {
    const random = new Random(SEED);
    for (let i = 0; i < 200; i++) {
      const handshake = anyHandshake(random);
      const { lastResort, oneTime } = handshake;
      const visible = oneTime ? { ...handshake, lastResort: { ...lastResort, kem: new Uint8Array() } } : handshake;
      assert.deepEqual(read(transcript(handshake)), visible, `input ${i}, seed ${SEED}`);
    }
  });

  it('is another for every change of every field', async () => {
    const random = new Random(SEED);
    const one = { ...anyHandshake(random), oneTime: anyHandshake(random).lastResort };
    const other = anyHandshake(random);
    const variants: readonly Handshake[] = [
      one,
      { ...one, mode: one.mode ^ 1 },
      { ...one, suite: one.suite ^ 1 },
      { ...one, suitesOffered: [...one.suitesOffered, one.suite] },
      { ...one, suitesOffered: one.suitesOffered.slice(1) },
      { ...one, roomId: other.roomId },
      { ...one, initiator: one.responder, responder: one.initiator },
      { ...one, initiator: { ...one.initiator, peerId: other.initiator.peerId } },
      { ...one, responder: { ...one.responder, peerId: other.responder.peerId } },
      { ...one, initiator: { ...one.initiator, certificate: other.initiator.certificate } },
      { ...one, responder: { ...one.responder, certificate: other.responder.certificate } },
      { ...one, initiator: { ...one.initiator, dtlsFingerprint: other.initiator.dtlsFingerprint } },
      { ...one, responder: { ...one.responder, dtlsFingerprint: other.responder.dtlsFingerprint } },
      { ...one, ephemeralKey: other.ephemeralKey },
      { ...one, lastResort: { ...one.lastResort, dh: other.lastResort.dh } },
      { ...one, lastResort: { ...one.lastResort, id: other.lastResort.id } },
      { ...one, oneTime: { ...one.oneTime, dh: other.lastResort.dh } },
      { ...one, oneTime: { ...one.oneTime, kem: other.lastResort.kem } },
      { ...one, oneTime: { ...one.oneTime, id: other.lastResort.id } },
      { ...one, oneTime: undefined },
      { ...one, oneTime: undefined, lastResort: { ...one.lastResort, kem: other.lastResort.kem } },
      { ...one, kemCiphertext: other.kemCiphertext },
    ];
    const hashes = await Promise.all(variants.map(transcriptHash));
    assert.equal(new Set(hashes.map(toHex)).size, variants.length);
  });
});
