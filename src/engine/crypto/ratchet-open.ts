/**
 * Opening a message of the ratchet (ratchet.ts). What a message may cost before it has opened is bounded: the length is looked
 * at first, then the header has to open under one of at most ten keys, then the counters, and only then are keys derived. No
 * keys of our own are made here.
 */
import type { Bytes } from '../protocol/bytes.ts';
import { isKemKey } from './key-checks.ts';
import { unpad } from './padding.ts';
import { openHeader, splitMessage } from './ratchet-header.ts';
import type { Header, HeaderKey, MessageParts } from './ratchet-header.ts';
import { openBody, stepChain, stepRoot } from './ratchet-keys.ts';
import { SKIP_MAX, chainsOf, storeKeys, unexpired } from './ratchet-skipped.ts';
import type { SkippedKey, SkippedKeys } from './ratchet-skipped.ts';
import type { Ratchet, ReceivingChain } from './ratchet.ts';

export type OpenFault =
  /** No message at all, or one that the peer's own ratchet would not have made. */
  | 'malformed'
  /** Of another session, from before our time, or changed on the way. */
  | 'unopened'
  /** Of ours, but its key is gone: it has been opened before, or has come too late. */
  | 'replayed'
  /** More messages are missing before it than we would derive keys for. */
  | 'too-many-skipped';

export type RatchetOpened =
  | { readonly ok: true; readonly ratchet: Ratchet; readonly plaintext: Bytes }
  | { readonly ok: false; readonly fault: OpenFault };

/** Everything about one message in the course of being opened. */
type Attempt = {
  readonly ratchet: Ratchet;
  readonly header: Header;
  readonly headerKey: HeaderKey;
  readonly parts: MessageParts;
  readonly nowMs: number;
};

/** `nowMs`: by one clock, always the same. A fault leaves the state that was handed in as the one to go on with. */
export async function openMessage(ratchet: Ratchet, message: Bytes, nowMs: number): Promise<RatchetOpened> {
  const parts = splitMessage(message);
  if (!parts) return failed('malformed');
  const present = withSkipped(ratchet, unexpired(ratchet.skippedKeys, nowMs));
  const { skippedKeys, receiving, nextReceivingKey, associatedData } = present;
  const headerKeys = new Set(chainsOf(skippedKeys));
  if (receiving) headerKeys.add(receiving.headerKey);
  headerKeys.add(nextReceivingKey);
  for (const headerKey of headerKeys) {
    const header = await openHeader(headerKey, parts.sealedHeader, associatedData);
    if (!header) continue;
    const attempt = { ratchet: present, header, headerKey, parts, nowMs };
    if (headerKey === nextReceivingKey) return openOfNextChain(attempt);
    const stored = skippedKeys.find((key) => key.headerKey === headerKey && key.number === header.number);
    if (stored) return openStored(attempt, stored);
    return receiving?.headerKey === headerKey ? openOfChain(attempt, receiving) : failed('replayed');
  }
  return failed('unopened');
}

/** A message that later ones have overtaken. */
async function openStored({ ratchet, parts }: Attempt, stored: SkippedKey): Promise<RatchetOpened> {
  const plaintext = await openPadded(stored.messageKey, parts, ratchet.associatedData);
  if (typeof plaintext === 'string') return failed(plaintext);
  const left = ratchet.skippedKeys.filter((key) => key !== stored);
  return { ok: true, ratchet: withSkipped(ratchet, left), plaintext };
}

/** A message of the chain that the peer is sealing with, as far as we know. Its keys were taken from the first one that opened. */
async function openOfChain(attempt: Attempt, chain: ReceivingChain): Promise<RatchetOpened> {
  const { ratchet, header, parts } = attempt;
  if (header.number < chain.count) return failed('replayed');
  if (header.number - chain.count > SKIP_MAX) return failed('too-many-skipped');
  const { skipped, messageKey, receiving } = advance(chain, header.number, attempt.nowMs);
  const plaintext = await openPadded(messageKey, parts, ratchet.associatedData);
  messageKey.fill(0);
  if (typeof plaintext === 'string') return failed(plaintext);
  const next = { ...ratchet, receiving };
  return { ok: true, ratchet: withSkipped(next, storeKeys(ratchet.skippedKeys, skipped)), plaintext };
}

/** A message of a chain that answers our sending chain. Our own next one begins when we have something to say. */
async function openOfNextChain(attempt: Attempt): Promise<RatchetOpened> {
  const { ratchet, header, headerKey, parts, nowMs } = attempt;
  const before = ratchet.receiving;
  const missing = header.previousCount - (before?.count ?? 0);
  // a chain before this one that has not been begun has no messages; one that has, no fewer than we know of
  if (missing < 0 || (missing > 0 && !before)) return failed('malformed');
  // there is nothing new of ours that it could answer; and what we are to answer has to be a key
  if (ratchet.unanswered || (header.kemKey && !isKemKey(header.kemKey))) return failed('malformed');
  if (missing > SKIP_MAX || header.number > SKIP_MAX) return failed('too-many-skipped');
  const secrets = await agreedSecrets(ratchet, header);
  if (!secrets) return failed('malformed');
  const step = stepRoot(ratchet.rootKey, secrets.dh, secrets.kem);
  const chain = { headerKey, chainKey: step.chainKey, count: 0 };
  const { skipped, messageKey, receiving } = advance(chain, header.number, nowMs);
  const plaintext = await openPadded(messageKey, parts, ratchet.associatedData);
  messageKey.fill(0);
  if (typeof plaintext === 'string') return failed(plaintext);

  const older = before ? advance(before, header.previousCount, nowMs).skipped : [];
  const stepped = {
    ...ratchet,
    // with a sending chain, `ownDh` was made since the handshake
    isConfirmed: ratchet.sending !== undefined,
    dhSteps: ratchet.dhSteps + 1,
    kemSteps: ratchet.kemSteps + (header.kemCiphertext ? 1 : 0),
    rootKey: step.rootKey,
    receiving,
    nextReceivingKey: step.nextHeaderKey,
    unanswered: { dhKey: header.dhKey, kemKey: header.kemKey },
  };
  return { ok: true, ratchet: withSkipped(stepped, storeKeys(ratchet.skippedKeys, [...older, ...skipped])), plaintext };
}

/**
 * What the peer's new chain begins with: X25519, and ML-KEM exactly where our chain has asked for it. `undefined` where a key is
 * refused, or where the answer to our ML-KEM key is missing or was not asked for.
 */
async function agreedSecrets(
  { ownDh, ownKem }: Ratchet,
  { dhKey, kemCiphertext }: Header,
): Promise<{ readonly dh: Bytes; readonly kem: Bytes | undefined } | undefined> {
  if ((ownKem !== undefined) !== (kemCiphertext !== undefined)) return undefined;
  const [dh, kem] = await Promise.all([
    ownDh.agree(dhKey),
    ownKem && kemCiphertext ? ownKem.decapsulate(kemCiphertext) : undefined,
  ]);
  if (!dh || (ownKem && !kem)) return undefined;
  return { dh, kem };
}

/** Derives the keys up to that of message `number`, which is not below the chain's count. */
function advance(chain: ReceivingChain, number: number, nowMs: number) {
  const skipped: SkippedKey[] = [];
  let step = stepChain(chain.chainKey);
  for (let at = chain.count; at < number; at++) {
    skipped.push({ headerKey: chain.headerKey, number: at, messageKey: step.messageKey, storedMs: nowMs });
    const next = stepChain(step.chainKey);
    step.chainKey.fill(0);
    step = next;
  }
  return {
    skipped,
    messageKey: step.messageKey,
    receiving: { ...chain, chainKey: step.chainKey, count: number + 1 },
  };
}

/** The plaintext, or why there is none. */
async function openPadded(
  messageKey: Bytes,
  { sealedHeader, sealedBody }: MessageParts,
  associatedData: Bytes,
): Promise<Bytes | 'unopened' | 'malformed'> {
  const padded = await openBody(messageKey, sealedHeader, associatedData, sealedBody);
  if (!padded) return 'unopened';
  const plaintext = unpad(padded);
  padded.fill(0);
  return plaintext ?? 'malformed';
}

function withSkipped(ratchet: Ratchet, skippedKeys: SkippedKeys): Ratchet {
  return { ...ratchet, skippedKeys, skipped: skippedKeys.length };
}

function failed(fault: OpenFault): RatchetOpened {
  return { ok: false, fault };
}
