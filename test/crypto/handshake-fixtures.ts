/** Devices, certificates and bundles for tests: good ones, and bad ones whose signatures hold. */
import { x25519 } from '@noble/curves/ed25519.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { createHash } from 'node:crypto';
import { issueCertificate, parseCertificate } from '../../src/engine/crypto/certificate.ts';
import type { Certificate, CertificateKind, DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createNobleSigner } from '../../src/engine/crypto/ed25519.ts';
import type { Signer } from '../../src/engine/crypto/ed25519.ts';
import type { BundleOwner } from '../../src/engine/crypto/pre-keys.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { asciiBytes, concatBytes, fromHex, toHex, uintBytes } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { idBytes } from '../../src/engine/protocol/ids.ts';
import { Random } from '../helpers/random.ts';

export const NOW_S = 1_800_000_000;
export const DAY_S = 86_400;

/** X25519 keys of small order, canonical and not: whoever agrees with one gets zeros. */
export const SMALL_ORDER_KEYS: readonly Bytes[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => fromHex(hex)!);

export function fingerprintOf(byte: number): Bytes {
  return new Uint8Array(32).fill(byte);
}

export async function makeDevice(
  provider: Provider,
  { kind = 'device' as CertificateKind, nowS = NOW_S, lifeS = DAY_S } = {},
): Promise<DeviceKeys> {
  const [signer, dh] = await Promise.all([provider.generateSigner(), provider.generateDh()]);
  return { signer, dh, certificate: await issueCertificate(signer, dh.publicKey, kind, nowS, lifeS) };
}

/** A certificate written from the layout in its document, each field at will, with a signature that holds. */
export async function signedCertificate(
  signer: Signer,
  dhKey: Bytes,
  { version = 1, kind = 1, notBeforeS = NOW_S, expiryS = NOW_S + DAY_S, serial = fingerprintOf(7).slice(16) } = {},
): Promise<Bytes> {
  const times = concatBytes(uintBytes(notBeforeS, 5), uintBytes(expiryS, 5));
  const body = concatBytes(Uint8Array.of(version, kind), times, signer.publicKey, dhKey, serial);
  return concatBytes(body, await signer.sign(concatBytes(asciiBytes('tai/1 certificate'), body)));
}

export type RecordFields = { readonly type: number; readonly id: number; readonly dh: Bytes; readonly kem: Bytes };

/** A pre-key record, likewise; it has no signature. */
export function recordOf({ type, id, dh, kem }: RecordFields): Bytes {
  return concatBytes(Uint8Array.of(type), uintBytes(id, 4), dh, kem);
}

/** The head of a bundle, likewise, over `oneTime`. */
export async function signedHead(
  signer: Signer,
  owner: BundleOwner,
  certificate: Bytes,
  lastResort: Bytes,
  oneTime: readonly Bytes[] = [],
  { version = 1, mode = 1, suites = [1] as readonly number[], dtlsFingerprint = fingerprintOf(0xb0) } = {},
): Promise<Bytes> {
  const suiteBytes = suites.map((suite) => uintBytes(suite, 2));
  const start = concatBytes(Uint8Array.of(version, mode, suites.length, oneTime.length), ...suiteBytes);
  const hashes = oneTime.map((record) => new Uint8Array(createHash('sha256').update(record).digest()));
  const body = concatBytes(start, certificate, dtlsFingerprint, lastResort, ...hashes);
  const label = concatBytes(asciiBytes('tai/1 bundle'), idBytes(owner.roomId), idBytes(owner.peerId));
  return concatBytes(body, await signer.sign(concatBytes(label, body)));
}

/** `bytes` with one bit of the byte at `at` turned. */
export function flipped(bytes: Bytes, at: number, random: Random): Bytes {
  return bytes.with(at, bytes[at]! ^ (1 << random.below(8)));
}

/** `bytes` with up to four bytes changed, cut, grown, or with one stretch of it put over another. */
export function mangled(bytes: Bytes, random: Random): Bytes {
  const kind = random.below(4);
  if (kind === 0) return bytes.slice(random.below(bytes.length));
  if (kind === 1) return concatBytes(bytes, random.bytes(1 + random.below(64)));
  const changed = bytes.slice();
  if (kind === 2) {
    const from = random.below(bytes.length);
    changed.copyWithin(random.below(bytes.length), from, from + 1 + random.below(128));
  } else {
    for (let times = 1 + random.below(4); times > 0; times--) changed[random.below(bytes.length)] = random.below(256);
  }
  return changed;
}

/** A provider whose keys all come from a seed, and can be read by their public halves: for answers that can be known. */
export type SeededProvider = Provider & {
  /** X25519 secrets, 32 bytes, by public key in hexadecimal. */
  readonly dhSecrets: ReadonlyMap<string, Bytes>;
  /** The secrets that ML-KEM has given, in order; copies. */
  readonly kemSecrets: readonly Bytes[];
};

/** By noble. It verifies nothing: what it is for is not about signatures. */
export function seededProvider(seed: number): SeededProvider {
  // one stream a kind, so that the answers do not hang on which kind is asked for first
  const [signerRandom, dhRandom, kemRandom] = [new Random(seed), new Random(seed + 1), new Random(seed + 2)];
  const own = (bytes: Uint8Array): Bytes => Uint8Array.from(bytes);
  const dhSecrets = new Map<string, Bytes>();
  const kemSecrets: Bytes[] = [];
  return {
    dhSecrets,
    kemSecrets,
    generateSigner: () => createNobleSigner(signerRandom.bytes(32)),
    verify: async () => true,
    generateDh: async () => {
      const secret = dhRandom.bytes(32);
      const publicKey = own(x25519.getPublicKey(secret));
      dhSecrets.set(toHex(publicKey), secret);
      return { publicKey, agree: async (other) => own(x25519.getSharedSecret(secret, other)) };
    },
    generateKem: async () => {
      const { publicKey, secretKey } = ml_kem768.keygen(kemRandom.bytes(64));
      const decapsulate = async (ciphertext: Bytes): Promise<Bytes> =>
        own(ml_kem768.decapsulate(ciphertext, secretKey));
      return { publicKey: own(publicKey), decapsulate };
    },
    encapsulate: async (publicKey) => {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, kemRandom.bytes(32));
      kemSecrets.push(own(sharedSecret));
      return { ciphertext: own(cipherText), secret: own(sharedSecret) };
    },
  };
}

/** A device whose certificate has a fixed serial. */
export async function seededDevice(provider: SeededProvider): Promise<DeviceKeys> {
  const [signer, dh] = [await provider.generateSigner(), await provider.generateDh()];
  // the layout is the one that is read
  const certificate = parseCertificate(await signedCertificate(signer, dh.publicKey)) as Certificate;
  return { signer, dh, certificate };
}

/** `provider` with its keys, each of whose uses is told to `see` by name, with the secret that it gave. */
export function watched(provider: Provider, see: (name: string, secret?: Bytes) => void): Provider {
  const tell = <T extends Bytes | undefined>(name: string, secret: T): T => {
    see(name, secret);
    return secret;
  };
  return {
    generateSigner: () => provider.generateSigner(),
    verify: (publicKey, message, signature) => {
      see('verify');
      return provider.verify(publicKey, message, signature);
    },
    generateDh: async () => {
      see('generateDh');
      const { publicKey, agree } = await provider.generateDh();
      return { publicKey, agree: async (other) => tell('agree', await agree(other)) };
    },
    generateKem: async () => {
      const { publicKey, decapsulate } = await provider.generateKem();
      return { publicKey, decapsulate: async (ciphertext) => tell('decapsulate', await decapsulate(ciphertext)) };
    },
    encapsulate: async (publicKey) => {
      const encapsulated = await provider.encapsulate(publicKey);
      see('encapsulate', encapsulated?.secret);
      return encapsulated;
    },
  };
}
