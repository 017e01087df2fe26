/** Where an identity's keys lie: one set at a time. `kept-key-store.ts` keeps them in storage, this file's in memory. */
import { issueCertificate } from '../crypto/certificate.ts';
import type { CertificateKind, DeviceKeys } from '../crypto/certificate.ts';
import type { Provider } from '../crypto/provider.ts';
import { equalBytes } from '../protocol/bytes.ts';

/** Of a certificate that is to be issued. */
export type CertificateTerms = { readonly kind: CertificateKind; readonly nowS: number; readonly lifeS: number };

export type KeyStore = {
  readonly isKept: boolean;
  /** `undefined` = none there. */
  read(): Promise<DeviceKeys | undefined>;
  /** New keys, not stored yet; where `renewed` is given, with its signing key. */
  make(provider: Provider, terms: CertificateTerms, renewed?: DeviceKeys): Promise<DeviceKeys>;
  /** Puts `next`, which `make` has made, where `expected` is there, or nothing for `undefined`. Resolves to what is there then. */
  replace(expected: DeviceKeys | undefined, next: DeviceKeys): Promise<DeviceKeys | undefined>;
  /** Removes the keys of this device, whatever certificate they have by now. Others stay. */
  remove(keys: Pick<DeviceKeys, 'certificate'>): Promise<void>;
};

export class MemoryKeyStore implements KeyStore {
  readonly isKept = false;
  #keys: DeviceKeys | undefined;

  constructor(keys?: DeviceKeys) {
    this.#keys = keys;
  }

  read(): Promise<DeviceKeys | undefined> {
    return Promise.resolve(this.#keys);
  }

  async make(provider: Provider, terms: CertificateTerms, renewed?: DeviceKeys): Promise<DeviceKeys> {
    const [signer, dh] = await Promise.all([renewed?.signer ?? provider.generateSigner(), provider.generateDh()]);
    const { kind, nowS, lifeS } = terms;
    return { signer, dh, certificate: await issueCertificate(signer, dh.publicKey, kind, nowS, lifeS) };
  }

  replace(expected: DeviceKeys | undefined, next: DeviceKeys): Promise<DeviceKeys | undefined> {
    if (this.#keys === expected) this.#keys = next;
    return Promise.resolve(this.#keys);
  }

  remove({ certificate }: Pick<DeviceKeys, 'certificate'>): Promise<void> {
    if (this.#keys && equalBytes(this.#keys.certificate.signingKey, certificate.signingKey)) this.#keys = undefined;
    return Promise.resolve();
  }
}
