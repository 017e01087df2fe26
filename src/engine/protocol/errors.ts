/** What can go wrong, as closed sets: for the page (`ErrorCode`), on the wire (`RpcErrorReason`), at a socket's end (`CloseReason`). */

/** The codes of `tai-error`. The sentence for people comes from the elements' strings, by code. */
export const ERROR_CODES = [
  'usage',
  'unsupported-browser',
  'worker-blocked',
  'insecure-context',
  'permissions-policy',
  'permission-denied',
  'device-in-use',
  'device-not-found',
  'device-constraints',
  'relay-unreachable',
  'relay-refused',
  'room-full',
  'room-locked',
  'link-invalid',
  'wrong-key',
  'frames-unsealed',
  'privacy-failed',
  'identity-changed',
  'roster-mismatch',
  'peer-unreachable',
  'turn-unavailable',
  'rate-limited',
  'too-large',
  'share-cancelled',
  'wallet-refused',
  'tip-invalid',
  'tip-replayed',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Thrown at the call for misuse by the page. The message names the argument, never its value. */
export class TaiError extends Error {
  override readonly name = 'TaiError';
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** JSON-RPC 2.0 §5.1 codes, then our own (from -32001 down). The string travels as `error.data.reason`. */
export const RPC_ERRORS = {
  'parse-error': -32700,
  'invalid-request': -32600,
  'method-not-found': -32601,
  'invalid-params': -32602,
  'room-mismatch': -32001,
  'peer-mismatch': -32002,
  'peer-unknown': -32003,
  'rate-limited': -32004,
  'too-large': -32005,
  'no-bundle': -32006,
  // Over HTTP only (RL20): on a socket these are close codes.
  'token-invalid': -32007,
  'token-expired': -32008,
  unavailable: -32009,
  // Of TURN credentials, over HTTP only (TU1–TU9).
  'wallet-required': -32020,
  'wallet-refused': -32021,
  'stake-too-low': -32022,
  // Of mailboxes only (MB3, MB9, LM21).
  'mailbox-off': -32030,
  'mailbox-forbidden': -32031,
  'mailbox-full': -32032,
  // Of the door that an operator sets up (AD16, AD17).
  'origin-refused': -32040,
  'jwt-invalid': -32041,
  // Of a host's statement (AD9–AD15), and of who waits outside.
  'host-invalid': -32042,
  'host-stale': -32043,
  'host-replayed': -32044,
  'not-admitted': -32045,
  'room-full': -32046,
} as const;
export type RpcErrorReason = keyof typeof RPC_ERRORS;

/**
 * Codes with which the relay ends a socket; the reason string is the key. Admission is refused this way too
 * (accepted, then closed at once), because a browser hides the status of a failed handshake from the page.
 */
export const CLOSE_CODES = {
  left: 1000,
  'token-invalid': 4001,
  'token-expired': 4002,
  'room-full': 4003,
  replaced: 4004,
  'rate-limited': 4005,
  'too-large': 4006,
  'bad-input': 4007,
  'slow-reader': 4008,
  'origin-refused': 4010,
  'jwt-invalid': 4011,
  'room-locked': 4012,
  kicked: 4013,
  declined: 4014,
} as const;
export type CloseReason = keyof typeof CLOSE_CODES;

export function closeReasonOf(code: number): CloseReason | undefined {
  return (Object.keys(CLOSE_CODES) as CloseReason[]).find((reason) => CLOSE_CODES[reason] === code);
}
