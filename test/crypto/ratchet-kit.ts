/** Two sides of a session to test with: keys from a seed, and ways to look into a state. */
import assert from 'node:assert/strict';
import { x25519 } from '@noble/curves/ed25519.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import type { SessionSecrets } from '../../src/engine/crypto/pqxdh.ts';
import type { DhKey, Encapsulated, KemKey, Provider } from '../../src/engine/crypto/provider.ts';
import { HeaderKey } from '../../src/engine/crypto/ratchet-header.ts';
import {
  acceptRatchet,
  answerChain,
  initiateRatchet,
  openMessage,
  sealMessage,
} from '../../src/engine/crypto/ratchet.ts';
import type { OpenFault, Ratchet } from '../../src/engine/crypto/ratchet.ts';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { Random } from '../helpers/random.ts';

export type RatchetProvider = Pick<Provider, 'generateDh' | 'generateKem' | 'encapsulate'>;

export const NOW_MS = 1_800_000_000_000;

/** The same keys for the same seed. */
export function seededProvider(random: Random): RatchetProvider {
  return {
    generateDh: async () => dhKeyFrom(random.bytes(32)),
    generateKem: async () => kemKeyFrom(random.bytes(64)),
    encapsulate: async (publicKey) => {
      try {
        const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, random.bytes(32));
        return { ciphertext: new Uint8Array(cipherText), secret: new Uint8Array(sharedSecret) };
      } catch {
        return undefined;
      }
    },
  };
}

export function dhKeyFrom(secretKey: Bytes): DhKey {
  return {
    publicKey: new Uint8Array(x25519.getPublicKey(secretKey)),
    agree: async (publicKey) => {
      try {
        return new Uint8Array(x25519.getSharedSecret(secretKey, publicKey));
      } catch {
        return undefined;
      }
    },
  };
}

export function kemKeyFrom(seed: Bytes): KemKey {
  const { publicKey, secretKey } = ml_kem768.keygen(seed);
  return {
    publicKey: new Uint8Array(publicKey),
    decapsulate: async (ciphertext) => {
      try {
        return new Uint8Array(ml_kem768.decapsulate(ciphertext, secretKey));
      } catch {
        return undefined;
      }
    },
  };
}

export function secretsFrom(random: Random): SessionSecrets {
  return {
    rootKey: random.bytes(32),
    initiatorHeaderKey: random.bytes(32),
    responderHeaderKey: random.bytes(32),
    exporter: random.bytes(32),
    transcriptHash: random.bytes(64),
  };
}

/** One side: holds the present state, and expects what it is told to expect. */
export class Side {
  ratchet: Ratchet;
  readonly provider: RatchetProvider;

  constructor(ratchet: Ratchet, provider: RatchetProvider) {
    this.ratchet = ratchet;
    this.provider = provider;
  }

  /** Another holder of the present state, with its own keys from then on. */
  copy(provider: RatchetProvider = this.provider): Side {
    return new Side(this.ratchet, provider);
  }

  /** Begins the chain that the next message is of, where it has not begun. */
  async answer(): Promise<void> {
    const answering = await answerChain(this.provider, this.ratchet);
    assert.ok(answering, 'no chain');
    this.ratchet = answering;
  }

  async seal(text: string): Promise<Bytes> {
    await this.answer();
    const sealed = await sealMessage(this.ratchet, new TextEncoder().encode(text));
    assert.ok(sealed, 'not sealed');
    this.ratchet = sealed.ratchet;
    return sealed.message;
  }

  async open(message: Bytes, nowMs = NOW_MS): Promise<string> {
    const opened = await openMessage(this.ratchet, message, nowMs);
    assert.ok(opened.ok, `not opened: ${opened.ok ? '' : opened.fault}`);
    this.ratchet = opened.ratchet;
    return new TextDecoder().decode(opened.plaintext);
  }

  /** The fault; fails where the message opens, or anything of the state has changed. */
  async refuse(message: Bytes, nowMs = NOW_MS): Promise<OpenFault> {
    const before = fingerprint(this.ratchet);
    const opened = await openMessage(this.ratchet, message, nowMs);
    assert.equal(fingerprint(this.ratchet), before, 'the state has changed');
    assert.ok(!opened.ok, 'it has opened');
    return opened.fault;
  }

  /** What the message says, or the fault; takes the new state where there is one. */
  async attempt(message: Bytes, nowMs = NOW_MS): Promise<{ readonly text: string } | { readonly fault: OpenFault }> {
    const opened = await openMessage(this.ratchet, message, nowMs);
    if (!opened.ok) return { fault: opened.fault };
    this.ratchet = opened.ratchet;
    return { text: new TextDecoder().decode(opened.plaintext) };
  }
}

export type SessionOptions = { readonly alice?: RatchetProvider; readonly bob?: RatchetProvider };

/** Alice has begun, with Bob's pre-key; nothing has been sent. */
export async function session(
  random: Random,
  { alice = seededProvider(random), bob = seededProvider(random) }: SessionOptions = {},
): Promise<{ readonly alice: Side; readonly bob: Side; readonly secrets: SessionSecrets }> {
  const secrets = secretsFrom(random);
  const preKey = await seededProvider(random).generateDh();
  const initiated = await initiateRatchet(alice, secrets, preKey.publicKey);
  assert.ok(initiated);
  return { alice: new Side(initiated, alice), bob: new Side(acceptRatchet(secrets, preKey), bob), secrets };
}

/** One message there and one back: a new chain on each side. */
export async function turn(first: Side, second: Side, text = 'turn'): Promise<void> {
  assert.equal(await second.open(await first.seal(text)), text);
  assert.equal(await first.open(await second.seal(text)), text);
}

const names = new WeakMap<object, number>();
let named = 0;

/** All of a state in a text: bytes as they are, keys that cannot be looked into as the object they are. */
export function fingerprint(ratchet: Ratchet): string {
  return JSON.stringify(ratchet, (_, value: unknown) => {
    if (value instanceof Uint8Array) return toHex(value);
    if (!(value instanceof HeaderKey)) return value;
    if (!names.has(value)) names.set(value, named++);
    return `key ${names.get(value)}`;
  });
}

type Kept = { readonly dh: DhKey[]; readonly kem: KemKey[]; readonly encapsulated: Encapsulated[] };

/** A provider that somebody is looking over the shoulder of. */
export class WatchedProvider implements RatchetProvider {
  readonly #provider: RatchetProvider;
  readonly #kept: Kept = { dh: [], kem: [], encapsulated: [] };

  constructor(provider: RatchetProvider) {
    this.#provider = provider;
  }

  async generateDh(): Promise<DhKey> {
    const key = await this.#provider.generateDh();
    this.#kept.dh.push(key);
    return key;
  }

  async generateKem(): Promise<KemKey> {
    const key = await this.#provider.generateKem();
    this.#kept.kem.push(key);
    return key;
  }

  async encapsulate(publicKey: Bytes): Promise<Encapsulated | undefined> {
    const encapsulated = await this.#provider.encapsulate(publicKey);
    if (encapsulated) {
      const { ciphertext, secret } = encapsulated;
      this.#kept.encapsulated.push({ ciphertext, secret: secret.slice() });
    }
    return encapsulated;
  }

  /** How many keys and secrets have been made so far. */
  get made(): number {
    return this.#kept.dh.length + this.#kept.kem.length + this.#kept.encapsulated.length;
  }

  /** What is made from now on comes out of the returned provider again, in order; what is not known is `other`'s. */
  follower(other: RatchetProvider, knows: { readonly dh?: boolean; readonly kem?: boolean }): RatchetProvider {
    const { dh, kem, encapsulated } = this.#kept;
    let [nextDh, nextKem, nextEncapsulated] = [dh.length, kem.length, encapsulated.length];
    return {
      generateDh: async () => (knows.dh ? dh[nextDh++]! : other.generateDh()),
      generateKem: async () => (knows.kem ? kem[nextKem++]! : other.generateKem()),
      encapsulate: async (publicKey) => {
        const known = encapsulated[nextEncapsulated++];
        return knows.kem && known ? { ...known, secret: known.secret.slice() } : other.encapsulate(publicKey);
      },
    };
  }
}
