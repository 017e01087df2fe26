/** Keys in records that may outlive the page: pairs of CryptoKeys as they are, and the certificate that names them. */
import { issueCertificate, parseCertificate } from '../crypto/certificate.ts';
import type { Certificate, DeviceKeys } from '../crypto/certificate.ts';
import {
  dhKeyOfKeyPair,
  generateDhKeyPair,
  generateSigningKeyPair,
  signerOfKeyPair,
} from '../crypto/native-provider.ts';
import type { Signer } from '../crypto/ed25519.ts';
import type { DhKey, Provider } from '../crypto/provider.ts';
import { equalBytes } from '../protocol/bytes.ts';
import { isRecord } from '../protocol/json.ts';
import { MemoryKeyStore } from './key-store.ts';
import type { CertificateTerms, KeyStore } from './key-store.ts';
import type { Records } from './records.ts';

const RECORD = 'device';
const VERSION = 1;

type Pairs = { readonly signing: CryptoKeyPair; readonly dh: CryptoKeyPair };
type StoredKeys = Pairs & { readonly certificate: Certificate };

export class KeptKeyStore implements KeyStore {
  readonly #records: Records;
  readonly #subtle: SubtleCrypto;
  /** The pairs behind all keys that `read` and `make` have given. */
  readonly #pairs = new WeakMap<DeviceKeys, Pairs>();
  /** In use where this WebCrypto has no pairs that could be kept. */
  #memory: MemoryKeyStore | undefined;

  constructor(records: Records, subtle: SubtleCrypto = globalThis.crypto.subtle) {
    this.#records = records;
    this.#subtle = subtle;
  }

  get isKept(): boolean {
    return !this.#memory && this.#records.isKept;
  }

  async read(): Promise<DeviceKeys | undefined> {
    if (this.#memory) return this.#memory.read();
    const stored = parseStored(await this.#records.read(RECORD));
    if (!stored) return undefined;
    const { certificate, ...pairs } = stored;
    const keys = await this.#withKeys(pairs, () => Promise.resolve(certificate));
    const { signer, dh } = keys;
    if (equalBytes(signer.publicKey, certificate.signingKey) && equalBytes(dh.publicKey, certificate.dhKey))
      return keys;
    // damaged: out of the way of new ones
    await this.remove(keys);
    return undefined;
  }

  async make(provider: Provider, terms: CertificateTerms, renewed?: DeviceKeys): Promise<DeviceKeys> {
    const pairs = this.#memory ? undefined : await this.#makePairs(renewed);
    if (!pairs) {
      this.#memory ??= new MemoryKeyStore(renewed);
      return this.#memory.make(provider, terms, renewed);
    }
    const { kind, nowS, lifeS } = terms;
    return this.#withKeys(pairs, (signer, dh) => issueCertificate(signer, dh.publicKey, kind, nowS, lifeS));
  }

  async replace(expected: DeviceKeys | undefined, next: DeviceKeys): Promise<DeviceKeys | undefined> {
    if (this.#memory) return this.#memory.replace(expected, next);
    const pairs = this.#pairs.get(next);
    let isReplaced = false;
    await this.#records.update(RECORD, (value) => {
      const there = parseStored(value)?.certificate;
      isReplaced = there ? isSame(there, expected?.certificate) : !expected;
      return isReplaced ? { version: VERSION, ...pairs, certificate: next.certificate.bytes } : value;
    });
    return isReplaced ? next : this.read();
  }

  async remove({ certificate }: Pick<DeviceKeys, 'certificate'>): Promise<void> {
    await this.#memory?.remove({ certificate });
    await this.#records.update(RECORD, (value) => {
      const there = parseStored(value)?.certificate;
      return there && equalBytes(there.signingKey, certificate.signingKey) ? undefined : value;
    });
  }

  async #withKeys(pairs: Pairs, certify: (signer: Signer, dh: DhKey) => Promise<Certificate>): Promise<DeviceKeys> {
    const [signer, dh] = await Promise.all([
      signerOfKeyPair(pairs.signing, this.#subtle),
      dhKeyOfKeyPair(pairs.dh, this.#subtle),
    ]);
    const keys = { signer, dh, certificate: await certify(signer, dh) };
    this.#pairs.set(keys, pairs);
    return keys;
  }

  /** `undefined` where this WebCrypto has not both algorithms. */
  async #makePairs(renewed: DeviceKeys | undefined): Promise<Pairs | undefined> {
    const kept = renewed && this.#pairs.get(renewed)?.signing;
    try {
      const [signing, dh] = await Promise.all([
        kept ?? generateSigningKeyPair(this.#subtle),
        generateDhKeyPair(this.#subtle),
      ]);
      return { signing, dh };
    } catch {
      return undefined;
    }
  }
}

function isSame(a: Certificate, b: Certificate | undefined): boolean {
  return b !== undefined && equalBytes(a.bytes, b.bytes);
}

/** `undefined`: nothing there, or nothing that this version has written. */
function parseStored(value: unknown): StoredKeys | undefined {
  if (!isRecord(value) || value['version'] !== VERSION) return undefined;
  const { signing, dh, certificate } = value;
  const parsed = certificate instanceof Uint8Array ? parseCertificate(new Uint8Array(certificate)) : undefined;
  if (!parsed || !isPair(signing, 'Ed25519') || !isPair(dh, 'X25519')) return undefined;
  return { signing, dh, certificate: parsed };
}

function isPair(value: unknown, algorithm: string): value is CryptoKeyPair {
  if (!isRecord(value)) return false;
  const keys = [value['publicKey'], value['privateKey']];
  return keys.every((key) => key instanceof CryptoKey && key.algorithm.name === algorithm);
}
