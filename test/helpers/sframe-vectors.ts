/**
 * RFC 9605's vectors (sframe-wg/sframe, test-vectors.json) run on our own functions, in Node and in browsers. A run resolves to what
 * it has seen, for the caller to compare with `SFRAME_EXPECTED`: an empty file cannot pass.
 */
import { AES_128_GCM_SHA256_128, AES_256_GCM_SHA512_128, deriveSframeKey } from '../../src/engine/crypto/sframe-key.ts';
import type { SframeSuite } from '../../src/engine/crypto/sframe-key.ts';
import { importBaseKey } from '../../src/engine/crypto/sframe-key.ts';
import { equalBytes, fromHex, toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { formatSframeHeader, parseSframeHeader } from '../../src/engine/protocol/sframe-header.ts';

export const SFRAME_VECTORS = 'test-vectors.json';

export type SframeReport = {
  /** Headers that came out as they stand there, formatted and parsed. */
  readonly headers: number;
  /** Derivations, and frames sealed and opened under them. */
  readonly suites: number;
  /** Cases of AES-CTR with HMAC, which we do not have. */
  readonly notOurs: number;
  /** What came out otherwise. */
  readonly wrong: readonly string[];
};

export const SFRAME_EXPECTED: SframeReport = { headers: 289, suites: 2, notOurs: 9, wrong: [] };

type Vectors = {
  readonly header: readonly { readonly kid: string; readonly ctr: string; readonly encoded: string }[];
  readonly aes_ctr_hmac: readonly unknown[];
  readonly aes_256_ctr_hmac: readonly unknown[];
  readonly sframe: readonly SuiteCase[];
};

type SuiteCase = { readonly [field in 'kid' | 'ctr' | 'cipher_suite']: string } & {
  readonly [field in 'base_key' | 'sframe_salt' | 'metadata' | 'nonce' | 'aad' | 'pt' | 'ct' | 'sframe_key']: string;
};

/** The numbers reach 2^64 − 1, which `JSON.parse` would round. */
export function parseSframeVectors(text: string): Vectors {
  return JSON.parse(text.replace(/:\s*(\d+)/g, ': "$1"')) as Vectors;
}

export async function runSframeVectors(text: string): Promise<SframeReport> {
  const vectors = parseSframeVectors(text);
  const wrong: string[] = [];
  const tally = (name: string, isRight: boolean): number => {
    if (!isRight) wrong.push(name);
    return isRight ? 1 : 0;
  };
  let headers = 0;
  for (const { kid, ctr, encoded } of vectors.header) headers += tally(`${kid}, ${ctr}`, isHeader(kid, ctr, encoded));
  let suites = 0;
  let notOurs = vectors.aes_ctr_hmac.length + vectors.aes_256_ctr_hmac.length;
  for (const each of vectors.sframe) {
    const suite = suiteOf(each);
    if (suite === undefined) notOurs++;
    else suites += tally(`suite ${suite}`, await isSuite(suite, each));
  }
  return { headers, suites, notOurs, wrong };
}

function isHeader(kidText: string, ctrText: string, encoded: string): boolean {
  const kid = BigInt(kidText);
  const ctr = BigInt(ctrText);
  const bytes = formatSframeHeader(kid, ctr);
  if (!bytes || toHex(bytes) !== encoded) return false;
  const parsed = parseSframeHeader(bytes);
  if (!parsed || parsed.length !== bytes.length || BigInt(parsed.kid) !== kid || BigInt(parsed.ctr) !== ctr)
    return false;
  // the way that frames go, with what is parsed: numbers where they are exact
  const again = formatSframeHeader(parsed.kid, parsed.ctr);
  return (
    typeof parsed.kid === (kid < 2n ** 53n ? 'number' : 'bigint') && again !== undefined && equalBytes(again, bytes)
  );
}

function suiteOf({ cipher_suite }: SuiteCase): SframeSuite | undefined {
  return [AES_128_GCM_SHA256_128, AES_256_GCM_SHA512_128].find((suite) => suite === Number(cipher_suite)) as
    | SframeSuite
    | undefined;
}

/** The key itself cannot be read: that it is the vector's shows in the ciphertext. */
async function isSuite(suite: SframeSuite, each: SuiteCase): Promise<boolean> {
  const baseKey = await importBaseKey(hex(each.base_key));
  const { key, salt } = await deriveSframeKey(suite, baseKey, Number(each.kid), 'encrypt');
  const opening = await deriveSframeKey(suite, baseKey, Number(each.kid), 'decrypt');
  const header = formatSframeHeader(BigInt(each.kid), BigInt(each.ctr));
  if (!header || toHex(salt) !== each.sframe_salt || !each.aad.startsWith(toHex(header))) return false;
  const gcm = { name: 'AES-GCM', iv: hex(each.nonce), additionalData: hex(each.aad) };
  const ciphertext = new Uint8Array(await globalThis.crypto.subtle.encrypt(gcm, key, hex(each.pt)));
  const opened = await globalThis.crypto.subtle.decrypt(gcm, opening.key, ciphertext);
  return toHex(header) + toHex(ciphertext) === each.ct && toHex(new Uint8Array(opened)) === each.pt;
}

function hex(text: string): Bytes {
  const bytes = fromHex(text);
  if (!bytes) throw new Error('not hexadecimal');
  return bytes;
}
