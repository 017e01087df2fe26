/**
 * How the members of a room agree on a room code (PROTOCOL.md RC1–RC3): each commits to a nonce, and reveals it once it
 * holds everybody's commitment. Every field that is bytes is 32 bytes as base64url.
 */
import { fromBase64Url } from './bytes.ts';
import { isRecord, parseText } from './json.ts';

export type CodeMessage =
  | {
      readonly type: 'code-commit';
      /** Hash of the roster that the code is for. */
      readonly roster: string;
      readonly commitment: string;
      /** The sender wants the receiver's commitment in return, and its nonce where that is revealed already. */
      readonly isAsking: boolean;
    }
  | {
      readonly type: 'code-reveal';
      readonly roster: string;
      /** What the sender has committed to for this roster. */
      readonly nonce: string;
    };

/** 32 bytes as base64url. */
const DIGEST_CHARS = 43;

/** Reads a value, whatever wrote its text. `undefined` for another type, and for a field that is missing or not 32 bytes. */
export function parseCodeMessage(value: unknown): CodeMessage | undefined {
  if (!isRecord(value)) return undefined;
  const { type, isAsking } = value;
  const roster = parseDigest(value['roster']);
  if (type === 'code-commit') {
    const commitment = parseDigest(value['commitment']);
    return roster && commitment ? { type, roster, commitment, isAsking: isAsking === true } : undefined;
  }
  if (type === 'code-reveal') {
    const nonce = parseDigest(value['nonce']);
    return roster && nonce ? { type, roster, nonce } : undefined;
  }
  return undefined;
}

function parseDigest(value: unknown): string | undefined {
  const text = parseText(value, DIGEST_CHARS);
  return text?.length === DIGEST_CHARS && fromBase64Url(text) ? text : undefined;
}
