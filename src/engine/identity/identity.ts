/**
 * Who we are to others: the keys that sign our certificates, for one visit (guest.ts) or for this browser (device.ts).
 * One contract and one implementation; the two differ in where keys and pins are kept, and for how long.
 * An identity shows that it is the same device as before, no more: no name, no person, no account.
 *
 * No ML-KEM key is part of it. Pre-keys are made at every join, live in memory and die with it: a secret at rest would
 * let who copies the disk later open what was recorded before, and a live bundle needs no secret that outlives its page.
 */
import { isValid } from '../crypto/certificate.ts';
import type { CertificateKind, DeviceKeys } from '../crypto/certificate.ts';
import type { Provider } from '../crypto/provider.ts';
import { issueRevocation, issueRotation } from '../crypto/statement.ts';
import type { Bytes } from '../protocol/bytes.ts';
import type { KeyStore } from './key-store.ts';
import { createPins } from './pins.ts';
import type { Pins } from './pins.ts';
import type { Records } from './records.ts';

/** `nowS`: seconds since 1970, by the clock that certificates are checked with. */
export type IdentityProvider = {
  readonly kind: CertificateKind;
  /** The keys outlive the page. `false` until `open` has seen that they do, and where the browser keeps nothing. */
  readonly isKept: boolean;
  readonly pins: Pins;
  /** Our keys with a certificate that is good for a while; made, or renewed under the same signing key, where there are none. */
  open(provider: Provider, nowS: number): Promise<DeviceKeys>;
  /** New keys in the place of the old ones, which are gone then, and the statement that says so (`openRotation`). */
  rotate(provider: Provider, nowS: number): Promise<{ readonly keys: DeviceKeys; readonly statement: Bytes }>;
  /** Gives the keys up, and the statement that they are dead (`openRevocation`), of this device. The next `open` makes new ones. */
  revoke(provider: Provider, nowS: number): Promise<{ readonly statement: Bytes; readonly deviceId: Bytes }>;
};

export type IdentityOptions = {
  readonly kind: CertificateKind;
  /** Of a certificate, in seconds. */
  readonly lifeS: number;
  /** With less than this left, `open` renews it. */
  readonly renewBeforeS: number;
  readonly keys: KeyStore;
  readonly records: Records;
};

export function createIdentity(options: IdentityOptions): IdentityProvider {
  return new Identity(options);
}

class Identity implements IdentityProvider {
  readonly kind: CertificateKind;
  readonly pins: Pins;
  readonly #options: IdentityOptions;

  constructor(options: IdentityOptions) {
    this.kind = options.kind;
    this.pins = createPins(options.records);
    this.#options = options;
  }

  get isKept(): boolean {
    return this.#options.keys.isKept;
  }

  async open(provider: Provider, nowS: number): Promise<DeviceKeys> {
    const { keys, lifeS, kind, renewBeforeS } = this.#options;
    const held = await keys.read();
    const leftS = held ? held.certificate.expiryS - nowS : 0;
    if (held && leftS >= renewBeforeS && (await isValid(provider, held.certificate, nowS))) return held;
    const next = await keys.make(provider, { kind, nowS, lifeS }, held);
    // Another tab may have been faster: its keys are ours then. Or it has just given the keys up.
    return (await keys.replace(held, next)) ?? this.open(provider, nowS);
  }

  async rotate(provider: Provider, nowS: number): Promise<{ readonly keys: DeviceKeys; readonly statement: Bytes }> {
    const { keys, lifeS, kind } = this.#options;
    const old = await this.open(provider, nowS);
    const next = await keys.make(provider, { kind, nowS, lifeS });
    const statement = await issueRotation(old, next, nowS);
    // A statement is good for the keys that were current: once more, where another tab has changed them.
    return (await keys.replace(old, next)) === next ? { keys: next, statement } : this.rotate(provider, nowS);
  }

  async revoke(provider: Provider, nowS: number): Promise<{ readonly statement: Bytes; readonly deviceId: Bytes }> {
    const old = await this.open(provider, nowS);
    const statement = await issueRevocation(old.signer, nowS);
    await this.#options.keys.remove(old);
    return { statement, deviceId: old.certificate.deviceId };
  }
}
