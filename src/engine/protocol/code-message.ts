/**
 * How the members of a room agree on a room code (PROTOCOL.md RC1–RC3): each commits to a nonce, and reveals it once it
 * holds everybody's commitment. Every field that is bytes is 32 bytes as base64url.
 */
import { fromBase64Url } from './bytes.ts';
import { isRecord, parseCount, parseText } from './json.ts';

export type CodeMessage =
  | {
      readonly type: 'code-commit';
      /** Hash of the roster that the code is for. */
      readonly roster: string;
      /** 1 to `ROUND_MAX`. Each number serves its sender once a join, for one roster. */
      readonly round: number;
      readonly commitment: string;
      /** The sender wants the receiver's commitment in return, and its nonce where that is revealed already. */
      readonly isAsking: boolean;
    }
  | {
      readonly type: 'code-reveal';
      readonly roster: string;
      readonly round: number;
      /** What the sender has committed to for this round. */
      readonly nonce: string;
    };

/** Numbers of rounds are four bytes long in hashes. */
export const ROUND_MAX = 2 ** 32 - 1;

/** 32 bytes as base64url. */
const DIGEST_CHARS = 43;

/** Reads a value, whatever wrote its text. `undefined` for another type, and for a field that is missing, not 32 bytes, or no number of a round. */
export function parseCodeMessage(value: unknown): CodeMessage | undefined {
  if (!isRecord(value)) return undefined;
  const { type, isAsking } = value;
  const roster = parseDigest(value['roster']);
  const round = parseCount(value['round'], ROUND_MAX);
  // the first is 1
  if (!roster || !round) return undefined;
  if (type === 'code-commit') {
    const commitment = parseDigest(value['commitment']);
    return commitment ? { type, roster, round, commitment, isAsking: isAsking === true } : undefined;
  }
  if (type === 'code-reveal') {
    const nonce = parseDigest(value['nonce']);
    return nonce ? { type, roster, round, nonce } : undefined;
  }
  return undefined;
}

/** 32 bytes as canonical base64url. */
export function parseDigest(value: unknown): string | undefined {
  const text = parseText(value, DIGEST_CHARS);
  return text?.length === DIGEST_CHARS && fromBase64Url(text) ? text : undefined;
}
