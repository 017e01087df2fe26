/**
 * The floor: what WebCrypto itself takes for the operations that our handshake cannot do without, one after another. Counted
 * from the protocol: both sides of PQXDH with a one-time record, and the first message through both ratchets.
 */
import type { Handshake } from './contender.ts';

/** Certificate, head and one-time record by the newcomer; the newcomer's certificate by the present peer. */
const VERIFICATIONS = 4;
/** The ephemeral key, and a ratchet key on each side. */
const DH_KEYS = 3;
/** DH1..4 on each side; the first step of each ratchet, and the present peer's own step in answer. */
const AGREEMENTS = 4 + 4 + 3;
/** Header and body, sealed and opened. */
const SEALS = 2;

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
    const verify = async (): Promise<unknown> => {
      const key = await subtle.importKey('raw', signingBytes, 'Ed25519', false, ['verify']);
      return subtle.verify('Ed25519', key, signature, signed);
    };
    const makeKey = async (): Promise<unknown> => {
      const pair = await generate('X25519', ['deriveBits']);
      return subtle.exportKey('raw', pair.publicKey);
    };
    const agree = async (): Promise<unknown> => {
      const key = await subtle.importKey('raw', otherBytes, 'X25519', false, []);
      return subtle.deriveBits({ name: 'X25519', public: key }, dh.privateKey, 256);
    };
    const encapsulate = async (): Promise<void> => {
      const usages = ['encapsulateBits'] as unknown as KeyUsage[];
      const key = await subtle.importKey('raw-public' as 'raw', kemBytes, 'ML-KEM-768', false, usages);
      const { ciphertext } = await kem.encapsulateBits('ML-KEM-768', key);
      await kem.decapsulateBits('ML-KEM-768', kemKeys.privateKey, ciphertext);
    };
    const seal = async (): Promise<unknown> => {
      const key = await subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt', 'decrypt']);
      const algorithm = { name: 'AES-GCM', iv: new Uint8Array(12) };
      return subtle.decrypt(algorithm, key, await subtle.encrypt(algorithm, key, body));
    };
    const times = async (count: number, work: () => Promise<unknown>): Promise<void> => {
      for (let i = 0; i < count; i++) await work();
    };
    return {
      handshake: async () => {
        await times(VERIFICATIONS, verify);
        await times(DH_KEYS, makeKey);
        await times(AGREEMENTS, agree);
        await encapsulate();
        await times(SEALS, seal);
      },
      exchange: async () => {
        // a key, and an agreement of each side, for each of the two messages
        await times(2, makeKey);
        await times(4, agree);
        await times(2 * SEALS, seal);
      },
    };
  },
};
