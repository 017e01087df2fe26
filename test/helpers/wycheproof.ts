/**
 * Wycheproof's vectors (C2SP/wycheproof, testvectors_v1) run on our own functions, in Node and in browsers. A run resolves
 * to what it has seen, for the caller to compare with `EXPECTED`: an empty file cannot pass.
 * X-Wing and the hybrid KEM have vectors in the same folder; nothing here uses them, so that they are not run.
 */
import { hkdfSha256, hkdfSha512 } from '../../src/engine/crypto/kdf.ts';
import { equalBytes, fromHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { Implementation } from './implementations.ts';

export type Report = {
  /** Cases that came out with the value, or the verdict, that the file says. */
  readonly right: number;
  /** Cases that had to be refused, and were. */
  readonly refused: number;
  /** Cases of sizes that we never use. */
  readonly notOurs: number;
  /** `tcId`s of all other cases. */
  readonly wrong: readonly number[];
};

type Outcome = 'right' | 'refused' | 'notOurs' | 'wrong';
type Case = { readonly tcId: number; readonly result: string; readonly flags: readonly string[] };
type Group<T> = { readonly tests: readonly (Case & T)[] };
type Vectors<G> = { readonly numberOfTests: number; readonly testGroups: readonly G[] };

export const VECTOR_FILES = {
  x25519: 'x25519_test.json',
  ed25519: 'ed25519_test.json',
  hkdfSha256: 'hkdf_sha256_test.json',
  hkdfSha512: 'hkdf_sha512_test.json',
  aesGcm: 'aes_gcm_test.json',
  mlKem768: 'mlkem_768_test.json',
} as const;
export type VectorName = keyof typeof VECTOR_FILES;

export const EXPECTED: { readonly [name in VectorName]: Report } = {
  // Refused though “acceptable” to RFC 7748: 31 shared secrets of zeros (§6.1 lets one refuse them), and 13 more keys that
  // are not canonical (§5 would reduce them; we take one encoding a key).
  x25519: { right: 474, refused: 44, notOurs: 0, wrong: [] },
  ed25519: { right: 88, refused: 63, notOurs: 0, wrong: [] },
  hkdfSha256: { right: 83, refused: 3, notOurs: 0, wrong: [] },
  hkdfSha512: { right: 80, refused: 3, notOurs: 0, wrong: [] },
  // Ours: key of 256 bits, nonce of 96, tag of 128.
  aesGcm: { right: 39, refused: 27, notOurs: 250, wrong: [] },
  mlKem768: { right: 153, refused: 40, notOurs: 0, wrong: [] },
};

/** Runs one file's text. Rejects where it is not what its header says. */
export function runVectors(name: VectorName, text: string, implementation: Implementation): Promise<Report> {
  // the files are pinned, and every value is compared: a wrong shape cannot come out right
  const vectors = JSON.parse(text) as Vectors<never>;
  return RUNS[name](vectors, implementation);
}

const RUNS: { readonly [name in VectorName]: (vectors: Vectors<never>, on: Implementation) => Promise<Report> } = {
  x25519: (vectors: Vectors<Group<{ public: string; private: string; shared: string }>>, { dhKey }) =>
    tally(vectors, async (_, test) => {
      const key = await dhKey(hex(test.private));
      const secret = await key.agree(hex(test.public));
      const isToBeRefused = test.flags.includes('NonCanonicalPublic') || test.flags.includes('ZeroSharedSecret');
      return isToBeRefused ? refusedIf(secret === undefined) : rightIf(isBytes(secret, test.shared));
    }),

  ed25519: (vectors: Vectors<Group<{ msg: string; sig: string }> & { publicKey: { pk: string } }>, { provider }) =>
    tally(vectors, async ({ publicKey }, test) => {
      const isSigned = await provider.verify(hex(publicKey.pk), hex(test.msg), hex(test.sig));
      return test.result === 'valid' ? rightIf(isSigned) : refusedIf(!isSigned);
    }),

  hkdfSha256: (vectors: Vectors<Group<HkdfCase>>) => tally(vectors, async (_, test) => hkdfOutcome(hkdfSha256, test)),

  hkdfSha512: (vectors: Vectors<Group<HkdfCase>>) => tally(vectors, async (_, test) => hkdfOutcome(hkdfSha512, test)),

  aesGcm: (vectors: Vectors<Group<GcmCase> & { ivSize: number; keySize: number; tagSize: number }>) =>
    tally(vectors, async ({ ivSize, keySize, tagSize }, test) => {
      if (ivSize !== 96 || keySize !== 256 || tagSize !== 128) return 'notOurs';
      const { subtle } = globalThis.crypto;
      const key = await subtle.importKey('raw', hex(test.key), 'AES-GCM', false, ['encrypt', 'decrypt']);
      const gcm = { name: 'AES-GCM', iv: hex(test.iv), additionalData: hex(test.aad), tagLength: tagSize };
      const sealed = test.ct + test.tag;
      const opened = await subtle.decrypt(gcm, key, hex(sealed)).catch(() => undefined);
      const resealed = new Uint8Array(await subtle.encrypt(gcm, key, hex(test.msg)));
      if (test.result !== 'valid') return refusedIf(opened === undefined && !isBytes(resealed, sealed));
      return rightIf(opened && isBytes(new Uint8Array(opened), test.msg) && isBytes(resealed, sealed));
    }),

  // No case gives the randomness of an encapsulation: it is shown by opening it with the vector's own key.
  mlKem768: (vectors: Vectors<Group<{ seed: string; c: string; ek?: string; K?: string }>>, { kemKey, provider }) =>
    tally(vectors, async (_, test) => {
      const key = await kemKey(hex(test.seed)).catch(() => undefined);
      if (!key) return refusedIf(test.result !== 'valid' && test.ek === undefined);
      const secret = await key.decapsulate(hex(test.c));
      if (test.result !== 'valid') return refusedIf(secret === undefined);
      const encapsulated = await provider.encapsulate(key.publicKey);
      const reopened = encapsulated && (await key.decapsulate(encapsulated.ciphertext));
      const isReopened = reopened !== undefined && equalBytes(reopened, encapsulated?.secret ?? new Uint8Array());
      return rightIf(isBytes(key.publicKey, test.ek) && isBytes(secret, test.K) && isReopened);
    }),
};

type HkdfCase = { ikm: string; salt: string; info: string; size: number; okm: string };
type GcmCase = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string };

function hkdfOutcome(hkdf: typeof hkdfSha256, test: Case & HkdfCase): Outcome {
  let okm: Bytes | undefined;
  try {
    okm = hkdf(hex(test.ikm), hex(test.salt), hex(test.info), test.size);
  } catch {
    // asked for more than 255 hashes (RFC 5869 §2.3)
  }
  return test.result === 'valid' ? rightIf(isBytes(okm, test.okm)) : refusedIf(okm === undefined);
}

async function tally<G extends Group<object>>(
  { numberOfTests, testGroups }: Vectors<G>,
  run: (group: G, test: G['tests'][number]) => Promise<Outcome>,
): Promise<Report> {
  const counts = { right: 0, refused: 0, notOurs: 0 };
  const wrong: number[] = [];
  let seen = 0;
  for (const group of testGroups) {
    for (const test of group.tests) {
      seen += 1;
      const outcome = await run(group, test);
      if (outcome === 'wrong') wrong.push(test.tcId);
      else counts[outcome] += 1;
    }
  }
  if (seen !== numberOfTests) throw new Error(`${seen} cases of ${numberOfTests}`);
  return { ...counts, wrong };
}

function rightIf(isRight: boolean | undefined): Outcome {
  return isRight ? 'right' : 'wrong';
}

function refusedIf(isRefused: boolean): Outcome {
  return isRefused ? 'refused' : 'wrong';
}

function isBytes(bytes: Bytes | undefined, text: string | undefined): boolean {
  return bytes !== undefined && text !== undefined && equalBytes(bytes, hex(text));
}

function hex(text: string): Bytes {
  const bytes = fromHex(text);
  if (!bytes) throw new Error('a vector is not hexadecimal');
  return bytes;
}
