/**
 * The floor: what WebCrypto itself takes for the operations that our handshake cannot do without, one after another. Counted
 * from the protocol: both sides of PQXDH with a one-time record, and the first message through both ratchets.
 */
import type { Handshake } from './contender.ts';

/** How often each key of another is used, one import each: the present peer's, for certificate and head; the newcomer's. */
const VERIFICATIONS = [2, 1];
/** The ephemeral key, and the newcomer's ratchet key. */
const DH_KEYS = 2;
/**
 * DH1..4 on each side and the first step of each ratchet, by the key of the other that they are with: the newcomer's with the
 * last-resort key, the certificate's, the one-time key; the present peer's with the certificate's, the ephemeral, the ratchet key.
 */
const AGREEMENTS = [3, 1, 1, 1, 3, 1];
/** Header and body, sealed and opened, each side importing its key. */
const SEALS = 2;
/** A message each way: a ratchet key of each side, with which it agrees, and the other side with it. */
const EXCHANGE_AGREEMENTS = [2, 2];

type KemCrypto = {
  encapsulateBits(algorithm: string, key: CryptoKey): Promise<{ readonly ciphertext: ArrayBuffer }>;
  decapsulateBits(algorithm: string, key: CryptoKey, ciphertext: ArrayBuffer): Promise<ArrayBuffer>;
};

export const primitives: Handshake = {
  async prepare() {
    const { subtle } = globalThis.crypto;
    // WebCrypto's types do not know ML-KEM yet
    const kem = subtle as unknown as KemCrypto;
    const generate = async (name: string, usages: KeyUsage[]): Promise<CryptoKeyPair> =>
      (await subtle.generateKey(name, false, usages)) as CryptoKeyPair;
    const signing = await generate('Ed25519', ['sign', 'verify']);
    const dh = await generate('X25519', ['deriveBits']);
    const other = await generate('X25519', ['deriveBits']);
    const otherBytes = await subtle.exportKey('raw', other.publicKey);
    const kemKeys = await generate('ML-KEM-768', ['encapsulateBits', 'decapsulateBits'] as unknown as KeyUsage[]);
    const kemBytes = await subtle.exportKey('raw-public' as 'raw', kemKeys.publicKey);
    const signingBytes = await subtle.exportKey('raw', signing.publicKey);
    const signed = new Uint8Array(1300);
    const signature = await subtle.sign('Ed25519', signing.privateKey, signed);
    const [secret, body] = [new Uint8Array(32), new Uint8Array(512)];
    const verify = async (count: number): Promise<void> => {
      const key = await subtle.importKey('raw', signingBytes, 'Ed25519', false, ['verify']);
      for (let i = 0; i < count; i++) await subtle.verify('Ed25519', key, signature, signed);
    };
    const makeKey = async (): Promise<unknown> => {
      const pair = await generate('X25519', ['deriveBits']);
      return subtle.exportKey('raw', pair.publicKey);
    };
    const agree = async (count: number): Promise<void> => {
      const key = await subtle.importKey('raw', otherBytes, 'X25519', false, []);
      for (let i = 0; i < count; i++) await subtle.deriveBits({ name: 'X25519', public: key }, dh.privateKey, 256);
    };
    const encapsulate = async (): Promise<void> => {
      const usages = ['encapsulateBits'] as unknown as KeyUsage[];
      const key = await subtle.importKey('raw-public' as 'raw', kemBytes, 'ML-KEM-768', false, usages);
      const { ciphertext } = await kem.encapsulateBits('ML-KEM-768', key);
      await kem.decapsulateBits('ML-KEM-768', kemKeys.privateKey, ciphertext);
    };
    const seal = async (): Promise<unknown> => {
      const algorithm = { name: 'AES-GCM', iv: new Uint8Array(12) };
      const key = await subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt']);
      const sealed = await subtle.encrypt(algorithm, key, body);
      const other = await subtle.importKey('raw', secret, 'AES-GCM', false, ['decrypt']);
      return subtle.decrypt(algorithm, other, sealed);
    };
    const times = async (count: number, work: () => Promise<unknown>): Promise<void> => {
      for (let i = 0; i < count; i++) await work();
    };
    return {
      handshake: async () => {
        for (const count of VERIFICATIONS) await verify(count);
        await times(DH_KEYS, makeKey);
        for (const count of AGREEMENTS) await agree(count);
        await encapsulate();
        await times(SEALS, seal);
      },
      exchange: async () => {
        await times(2, makeKey);
        for (const count of EXCHANGE_AGREEMENTS) await agree(count);
        await times(2 * SEALS, seal);
      },
    };
  },
};
