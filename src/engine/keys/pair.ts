/**
 * What we share with one peer: the ratchet, and what the handshake has proved about who is there. Sealing and opening
 * are asynchronous and both move the ratchet: they are done one after the other, in the order of the calls.
 */
import type { Certificate } from '../crypto/certificate.ts';
import type { SessionSecrets } from '../crypto/pqxdh.ts';
import type { Provider } from '../crypto/provider.ts';
import { answerChain, openMessage, requestKemStep, sealMessage } from '../crypto/ratchet.ts';
import type { OpenFault as RatchetFault, Ratchet } from '../crypto/ratchet.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { InOrder } from './in-order.ts';

export type PairOptions = {
  readonly provider: Provider;
  readonly role: 'initiator' | 'responder';
  /** The initiator's handshake header. */
  readonly header: Bytes;
  readonly secrets: SessionSecrets;
  readonly ratchet: Ratchet;
  readonly certificate: Certificate;
  readonly dtlsFingerprint: Bytes;
};

export type PairOpened =
  | { readonly ok: true; readonly plaintext: Bytes; readonly isFirst: boolean; readonly isConfirmed: boolean }
  | { readonly ok: false; readonly fault: RatchetFault };

export type PairSealed = {
  readonly message: Bytes;
  /** The peer may not have our handshake yet: it goes along with every message until something has come back. */
  readonly isHeaderDue: boolean;
};

export type SealFault =
  /** Over the largest bucket. */
  | 'too-large'
  /** The peer's newest key is refused: there is nothing to seal with. */
  | 'no-chain'
  | 'not-carried';

export class Pair {
  readonly role: PairOptions['role'];
  readonly header: Bytes;
  readonly certificate: Certificate;
  readonly dtlsFingerprint: Bytes;
  /** Keys roster MACs of this pair. 32 bytes. */
  readonly exporter: Bytes;
  readonly #provider: Provider;
  #ratchet: Ratchet;
  #hasOpened: boolean;
  readonly #work = new InOrder();

  constructor(options: PairOptions) {
    this.role = options.role;
    this.header = options.header;
    this.certificate = options.certificate;
    this.dtlsFingerprint = options.dtlsFingerprint;
    this.exporter = options.secrets.exporter;
    this.#provider = options.provider;
    this.#ratchet = options.ratchet;
    // a responder has a pair only because the first message has opened
    this.#hasOpened = options.role === 'responder';
  }

  /** The peer has shown that it holds the keys that only the two of us can have. */
  get isConfirmed(): boolean {
    return this.#ratchet.isConfirmed;
  }

  /** Something of the peer has opened: for the initiator, the proof that somebody is there. */
  get hasOpened(): boolean {
    return this.#hasOpened;
  }

  /**
   * Seals a text and hands it to `carry`, which says whether it has left us. One that has not does not count: the next one
   * takes its place in the chain. Else whoever is away for long would seal more into the void than the peer may skip (HS9),
   * and never be heard again. No key serves twice with one nonce by that: each message has a random one of its own.
   */
  seal(plaintext: Bytes, carry: (sealed: PairSealed) => Promise<boolean>): Promise<SealFault | undefined> {
    return this.#work.run(async () => {
      const ready = await answerChain(this.#provider, this.#ratchet);
      if (!ready) return 'no-chain';
      // kept also where nothing leaves us: the peer may have seen what we believe lost, and has one chain of ours then
      this.#ratchet = ready;
      const sealed = await sealMessage(ready, plaintext);
      if (!sealed) return 'too-large';
      const isHeaderDue = this.role === 'initiator' && !this.#hasOpened;
      if (!(await carry({ message: sealed.message, isHeaderDue }))) return 'not-carried';
      this.#ratchet = sealed.ratchet;
      return undefined;
    });
  }

  /** `accepts` is asked once the message has opened; where it says no, the fault is `malformed` and nothing has changed. */
  open(message: Bytes, nowMs: number, accepts: (plaintext: Bytes) => boolean = () => true): Promise<PairOpened> {
    return this.#work.run(async () => {
      const opened = await openMessage(this.#ratchet, message, nowMs);
      if (!opened.ok) return opened;
      if (!accepts(opened.plaintext)) return { ok: false, fault: 'malformed' };
      this.#ratchet = opened.ratchet;
      const isFirst = !this.#hasOpened;
      this.#hasOpened = true;
      return { ok: true, plaintext: opened.plaintext, isFirst, isConfirmed: this.#ratchet.isConfirmed };
    });
  }

  /** Our next step of the ratchet brings a fresh ML-KEM key. */
  requestKemStep(): void {
    void this.#work.run(async () => {
      this.#ratchet = requestKemStep(this.#ratchet);
    });
  }
}
