/** Signal's own library, Rust behind Node: PQXDH with Kyber-1024, its Triple Ratchet, stores in memory. */
import {
  CiphertextMessageType,
  IdentityChange,
  IdentityKeyStore,
  KEMKeyPair,
  KyberPreKeyRecord,
  KyberPreKeyStore,
  PreKeyBundle,
  PreKeyRecord,
  PreKeySignalMessage,
  PreKeyStore,
  PrivateKey,
  ProtocolAddress,
  SessionStore,
  SignalMessage,
  SignedPreKeyRecord,
  SignedPreKeyStore,
  processPreKeyBundle,
  signalDecrypt,
  signalDecryptPreKey,
  signalEncrypt,
} from '@signalapp/libsignal-client';
import type { Direction, PublicKey, SessionRecord } from '@signalapp/libsignal-client';
import { MESSAGE } from './contender.ts';
import type { Handshake } from './contender.ts';

class Sessions extends SessionStore {
  readonly #records = new Map<string, SessionRecord>();
  async saveSession(name: ProtocolAddress, record: SessionRecord): Promise<void> {
    this.#records.set(name.toString(), record);
  }
  async getSession(name: ProtocolAddress): Promise<SessionRecord | null> {
    return this.#records.get(name.toString()) ?? null;
  }
  async getExistingSessions(names: ProtocolAddress[]): Promise<SessionRecord[]> {
    return names.flatMap((name) => this.#records.get(name.toString()) ?? []);
  }
  clear(): void {
    this.#records.clear();
  }
}

class Identities extends IdentityKeyStore {
  readonly key = PrivateKey.generate();
  readonly #known = new Map<string, PublicKey>();
  async getIdentityKey(): Promise<PrivateKey> {
    return this.key;
  }
  async getLocalRegistrationId(): Promise<number> {
    return 1;
  }
  async saveIdentity(name: ProtocolAddress, key: PublicKey): Promise<IdentityChange> {
    this.#known.set(name.toString(), key);
    return IdentityChange.NewOrUnchanged;
  }
  async isTrustedIdentity(_name: ProtocolAddress, _key: PublicKey, _direction: Direction): Promise<boolean> {
    return true;
  }
  async getIdentity(name: ProtocolAddress): Promise<PublicKey | null> {
    return this.#known.get(name.toString()) ?? null;
  }
}

class PreKeys extends PreKeyStore {
  readonly record: PreKeyRecord;
  constructor(record: PreKeyRecord) {
    super();
    this.record = record;
  }
  async savePreKey(): Promise<void> {}
  async getPreKey(): Promise<PreKeyRecord> {
    return this.record;
  }
  // kept, so that every round can use it again
  async removePreKey(): Promise<void> {}
}

class SignedPreKeys extends SignedPreKeyStore {
  readonly record: SignedPreKeyRecord;
  constructor(record: SignedPreKeyRecord) {
    super();
    this.record = record;
  }
  async saveSignedPreKey(): Promise<void> {}
  async getSignedPreKey(): Promise<SignedPreKeyRecord> {
    return this.record;
  }
}

class KyberPreKeys extends KyberPreKeyStore {
  readonly record: KyberPreKeyRecord;
  constructor(record: KyberPreKeyRecord) {
    super();
    this.record = record;
  }
  async saveKyberPreKey(): Promise<void> {}
  async getKyberPreKey(): Promise<KyberPreKeyRecord> {
    return this.record;
  }
  async markKyberPreKeyUsed(): Promise<void> {}
}

export const libsignal: Handshake = {
  async prepare() {
    const [newcomer, present] = [ProtocolAddress.new('newcomer', 1), ProtocolAddress.new('present', 1)];
    const [newcomerIdentity, presentIdentity] = [new Identities(), new Identities()];
    const [newcomerSessions, presentSessions] = [new Sessions(), new Sessions()];
    const [signed, once, kem] = [PrivateKey.generate(), PrivateKey.generate(), KEMKeyPair.generate()];
    const sign = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => presentIdentity.key.sign(bytes);
    const signedSignature = sign(signed.getPublicKey().serialize());
    const kemSignature = sign(kem.getPublicKey().serialize());
    const preKeys = new PreKeys(PreKeyRecord.new(1, once.getPublicKey(), once));
    const signedPreKeys = new SignedPreKeys(
      SignedPreKeyRecord.new(1, Date.now(), signed.getPublicKey(), signed, signedSignature),
    );
    const kyberPreKeys = new KyberPreKeys(KyberPreKeyRecord.new(1, Date.now(), kem, kemSignature));
    const bundle = PreKeyBundle.new(
      1,
      1,
      1,
      once.getPublicKey(),
      1,
      signed.getPublicKey(),
      signedSignature,
      presentIdentity.key.getPublicKey(),
      1,
      kem.getPublicKey(),
      kemSignature,
    );
    const send = async (isFirst: boolean): Promise<void> => {
      const sealed = await signalEncrypt(MESSAGE, present, newcomer, newcomerSessions, newcomerIdentity);
      const bytes = sealed.serialize();
      if (isFirst !== (sealed.type() === CiphertextMessageType.PreKey))
        throw new Error('libsignal: another kind of message');
      if (isFirst) {
        const message = PreKeySignalMessage.deserialize(bytes);
        await signalDecryptPreKey(
          message,
          newcomer,
          present,
          presentSessions,
          presentIdentity,
          preKeys,
          signedPreKeys,
          kyberPreKeys,
        );
      } else {
        await signalDecrypt(SignalMessage.deserialize(bytes), newcomer, present, presentSessions, presentIdentity);
      }
    };
    const answer = async (): Promise<void> => {
      const sealed = await signalEncrypt(MESSAGE, newcomer, present, presentSessions, presentIdentity);
      await signalDecrypt(
        SignalMessage.deserialize(sealed.serialize()),
        present,
        newcomer,
        newcomerSessions,
        newcomerIdentity,
      );
    };
    return {
      handshake: async () => {
        newcomerSessions.clear();
        presentSessions.clear();
        await processPreKeyBundle(bundle, present, newcomer, newcomerSessions, newcomerIdentity);
        await send(true);
      },
      exchange: async () => {
        await answer();
        await send(false);
      },
    };
  },
};
