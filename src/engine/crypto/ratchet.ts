/**
 * The Double Ratchet with header encryption (Signal, "The Double Ratchet Algorithm", §4), with ML-KEM-768 beside X25519 in the
 * steps for which that was asked. A state is never changed: sealing and opening give the next one, and opening only after
 * everything has opened. Trap: a state that has been replaced is not to be used again, and has to be let go: it
 * still opens what the next one no longer does. Its keys are not overwritten, for then a use by mistake would seal under zeros.
 *
 * As in Signal's document, the chains of the two sides answer one another. Whoever opens the first message of a new chain
 * begins its own next one when it has something to say (`answerChain`; Signal's §8.3 on deferring new keys): until then
 * there is no key that could be stolen, and who only listens makes none. The step with ML-KEM goes round once with
 * them, in the sealed headers:
 *
 * ```text
 *  A                                                              B
 *  | requestKemStep                                               |
 *  | <----------------------------------------- a new chain of B  |
 *  | makes an ML-KEM key for its next chain                       |
 *  | next chain of A: X25519 key, ML-KEM key -------------------> |
 *  |                                encapsulates: ciphertext, s   |
 *  |                     KDF_RK(root, DH ‖ s) begins B's next chain
 *  | <--------------- next chain of B: X25519 key, ciphertext     |
 *  | decapsulates: s                                              |
 *  | KDF_RK(root, DH ‖ s) gives the keys of B's chain             |
 * ```
 * Every message of a chain carries the same fields, so that whichever comes first is enough. B may put an ML-KEM key of its
 * own into the chain with the ciphertext.
 */
import { concatBytes } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { pad } from './padding.ts';
import type { SessionSecrets } from './pqxdh.ts';
import type { DhKey, KemKey, Provider } from './provider.ts';
import { CHAIN_MESSAGES_MAX, HeaderKey, sealHeader } from './ratchet-header.ts';
import { sealBody, stepChain, stepRoot } from './ratchet-keys.ts';
import type { SkippedKeys } from './ratchet-skipped.ts';

export { openMessage } from './ratchet-open.ts';
export type { OpenFault, RatchetOpened } from './ratchet-open.ts';

/** One direction until its next step; keys of 32 bytes. */
type Chain = {
  readonly headerKey: HeaderKey;
  readonly chainKey: Bytes;
  /** How many messages of it have been sealed, or passed by in opening: N of the next one. */
  readonly count: number;
};

export type ReceivingChain = Chain;

export type SendingChain = Chain & {
  /** PN: messages of the chain before. */
  readonly previousCount: number;
  /** Answers the ML-KEM key of the chain that this one answers. */
  readonly kemCiphertext: Bytes | undefined;
};

/** One side of a session. Callers read the first four fields only; the rest are secrets. */
export type Ratchet = {
  /** The peer has used keys that follow from an X25519 key which we have made since the handshake: no replay can do so. */
  readonly isConfirmed: boolean;
  /** Chains of the peer that have been opened. */
  readonly dhSteps: number;
  /** ML-KEM secrets that have been mixed in, of both directions. */
  readonly kemSteps: number;
  /** Keys that are kept for messages still to come. */
  readonly skipped: number;

  readonly rootKey: Bytes;
  /** Of our sending chain; before there is one, our pre-key. */
  readonly ownDh: DhKey;
  /** Goes out with our sending chain, for the peer's next one to answer. */
  readonly ownKem: KemKey | undefined;
  readonly isKemRequested: boolean;
  /** What the peer's newest chain has brought, where ours does not answer it yet: `answerChain` does. */
  readonly unanswered: { readonly dhKey: Bytes; readonly kemKey: Bytes | undefined } | undefined;
  readonly sending: SendingChain | undefined;
  readonly receiving: ReceivingChain | undefined;
  readonly nextSendingKey: HeaderKey;
  readonly nextReceivingKey: HeaderKey;
  readonly skippedKeys: SkippedKeys;
  /** Of all messages: the hash of the handshake's transcript. */
  readonly associatedData: Bytes;
};

export type RatchetSealed = { readonly ratchet: Ratchet; readonly message: Bytes };

/**
 * The initiator's side: it can seal at once. `agreeing`: what the handshake gives; the keys of the first chain are made
 * meanwhile. `peerRatchetKey`: the responder's signed pre-key (X25519, 32 bytes). `undefined` where that key is
 * refused, or there are no secrets.
 */
export async function initiateRatchet(
  provider: Pick<Provider, 'generateDh'>,
  agreeing: SessionSecrets | Promise<SessionSecrets | undefined>,
  peerRatchetKey: Bytes,
): Promise<Ratchet | undefined> {
  const [own, secrets] = await Promise.all([makeAgreed(provider, peerRatchetKey), agreeing]);
  if (!own || !secrets) return undefined;
  const { rootKey, chainKey, nextHeaderKey } = stepRoot(secrets.rootKey, own.secret, undefined);
  const headerKey = new HeaderKey(secrets.initiatorHeaderKey);
  return {
    ...freshRatchet(secrets.transcriptHash),
    rootKey,
    ownDh: own.dh,
    sending: { headerKey, chainKey, count: 0, previousCount: 0, kemCiphertext: undefined },
    nextSendingKey: nextHeaderKey,
    nextReceivingKey: new HeaderKey(secrets.responderHeaderKey),
  };
}

/** The responder's side: it can seal once it has opened something. `own`: the pre-key that the initiator has begun with. */
export function acceptRatchet(secrets: SessionSecrets, own: DhKey): Ratchet {
  return {
    ...freshRatchet(secrets.transcriptHash),
    // not the caller's array: it may overwrite that
    rootKey: secrets.rootKey.slice(),
    ownDh: own,
    sending: undefined,
    nextSendingKey: new HeaderKey(secrets.responderHeaderKey),
    nextReceivingKey: new HeaderKey(secrets.initiatorHeaderKey),
  };
}

/** Our next sending chain brings a fresh ML-KEM key. */
export function requestKemStep(ratchet: Ratchet): Ratchet {
  return { ...ratchet, isKemRequested: true };
}

/**
 * The state to seal with: where the peer has begun a new chain, ours that answers it begins, with keys made now. Take this state
 * over before what was sealed with it leaves: two chains that answer the same one would be one too many. `undefined`
 * where the provider refuses a key that it has taken before.
 */
export async function answerChain(
  provider: Pick<Provider, 'generateDh' | 'generateKem' | 'encapsulate'>,
  ratchet: Ratchet,
): Promise<Ratchet | undefined> {
  const { unanswered } = ratchet;
  if (!unanswered) return ratchet;
  const [own, ownKem, encapsulated] = await Promise.all([
    makeAgreed(provider, unanswered.dhKey),
    ratchet.isKemRequested ? provider.generateKem() : undefined,
    unanswered.kemKey && provider.encapsulate(unanswered.kemKey),
  ]);
  if (!own || (unanswered.kemKey && !encapsulated)) return undefined;
  const { rootKey, chainKey, nextHeaderKey } = stepRoot(ratchet.rootKey, own.secret, encapsulated?.secret);
  return {
    ...ratchet,
    rootKey,
    ownDh: own.dh,
    ownKem,
    isKemRequested: false,
    kemSteps: ratchet.kemSteps + (encapsulated ? 1 : 0),
    unanswered: undefined,
    sending: {
      headerKey: ratchet.nextSendingKey,
      chainKey,
      count: 0,
      previousCount: ratchet.sending?.count ?? 0,
      kemCiphertext: encapsulated?.ciphertext,
    },
    nextSendingKey: nextHeaderKey,
  };
}

/**
 * `message` as drawn in ratchet-header.ts. `undefined` for a plaintext over `BODY_MAX_BYTES`, before `answerChain` where that
 * has something to do, for a responder that has not opened anything yet, and at the end of a chain of 2^32 - 1 messages.
 */
export async function sealMessage(ratchet: Ratchet, plaintext: Bytes): Promise<RatchetSealed | undefined> {
  const { sending, unanswered, associatedData } = ratchet;
  const padded = pad(plaintext);
  if (!padded || !sending || unanswered || sending.count >= CHAIN_MESSAGES_MAX) return undefined;
  const { chainKey, messageKey } = stepChain(sending.chainKey);
  const header = {
    dhKey: ratchet.ownDh.publicKey,
    previousCount: sending.previousCount,
    number: sending.count,
    kemKey: ratchet.ownKem?.publicKey,
    kemCiphertext: sending.kemCiphertext,
  };
  const sealedHeader = await sealHeader(sending.headerKey, header, associatedData);
  const sealedBody = await sealBody(messageKey, sealedHeader, associatedData, padded);
  messageKey.fill(0);
  padded.fill(0);
  return {
    ratchet: { ...ratchet, sending: { ...sending, chainKey, count: sending.count + 1 } },
    message: concatBytes(sealedHeader, sealedBody),
  };
}

/** A new key of ours, and what it agrees on with the peer's; `undefined` where that one is refused. */
async function makeAgreed(
  provider: Pick<Provider, 'generateDh'>,
  peerKey: Bytes,
): Promise<{ readonly dh: DhKey; readonly secret: Bytes } | undefined> {
  const dh = await provider.generateDh();
  const secret = await dh.agree(peerKey);
  return secret && { dh, secret };
}

function freshRatchet(associatedData: Bytes) {
  return {
    isConfirmed: false,
    dhSteps: 0,
    kemSteps: 0,
    skipped: 0,
    ownKem: undefined,
    isKemRequested: false,
    unanswered: undefined,
    receiving: undefined,
    skippedKeys: [],
    associatedData,
  } as const;
}
