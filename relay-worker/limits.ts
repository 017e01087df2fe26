/**
 * How much one socket and one room may ask of the relay (PROTOCOL.md LM1–LM17). No clock in here: time is an argument.
 *
 * Buckets live in memory only, and a sleep fills them. The platform lets an object sleep that has heard nothing for 10 s, in which most
 * of them are full anyway; those of LM8 (32 s) and the refusals of LM5 (15 s) are not, and what a sleep gives there stands in the rules.
 */
import { TokenBucket } from '../src/engine/protocol/token-bucket.ts';

export const PEERS_DEFAULT = 8;
/** What `welcome` can list. */
export const PEERS_CEILING = 64;

export const SOCKET_MESSAGES_PER_S = 20;
export const SOCKET_MESSAGES_BURST = 150;
export const SOCKET_BYTES_PER_S = 128 * 1024;
export const SOCKET_BYTES_BURST = 1024 * 1024;
export const ROOM_MESSAGES_PER_S = 300;
export const ROOM_MESSAGES_BURST = 900;

/**
 * Each admission is told to the whole room, and its end again. The largest room can come back at once after a restart. Those who come
 * back to where they are known have as many for themselves.
 */
export const ROOM_ADMISSIONS_PER_S = 2;
export const ROOM_ADMISSIONS_BURST = PEERS_CEILING;

/**
 * Calls over HTTP, of all peers of a room together (LM11). They have no socket that could be held to account, and so
 * get by with little: what a page needs when it comes in, not what a call needs while it lasts.
 */
export const HTTP_CALLS_PER_S = 4;
export const HTTP_CALLS_BURST = 32;

/** Listed peers whose bundles a `welcome` brings, as far as they fit into its text; others are asked for (RL17). */
export const WELCOME_BUNDLES_MAX = 8;
/**
 * Peers that one peer's relay remembers as served with a one-time blob (RL18). As many as can be here: whoever is
 * pushed out of the list by so many later ones has, but for a churn that LM8 bounds, left.
 */
export const HANDED_PEERS_MAX = PEERS_CEILING;

/** LM16: sockets that wait outside a room for its host's word. A host can look at no more at a time. */
export const WAITING_MAX = 8;
/**
 * LM4: of all those outside together, so that they use up nothing of the room's. As much as they may send: what one has used up would be
 * missing to another's knock.
 */
export const OUTSIDE_MESSAGES_PER_S = WAITING_MAX * SOCKET_MESSAGES_PER_S;
export const OUTSIDE_MESSAGES_BURST = WAITING_MAX * SOCKET_MESSAGES_BURST;
/** LM17: a host's statements of one room, each of which costs a signature check. All who wait, and the door besides. */
export const HOST_STATEMENTS_PER_S = 1;
export const HOST_STATEMENTS_BURST = 10;
/** AD8, AD14: with everything else in it, an attachment has room for so many. */
export const ABSENT_MAX = 8;
export const KICKED_MAX = 16;

/**
 * A socket without a sign of life for so long is asked for one: its peer pings every 5 s. It may be well all the same, as browsers
 * run the timers of a hidden page only once a minute; but what comes over a socket is heard there at once.
 */
export const SILENCE_PROBE_MS = 8_000;
/** Who has not answered by then is half-open. */
export const PROBE_WAIT_MS = 5_000;
/** A socket that has been silent for so long is not asked first: a room that has slept has forgotten whom it asked. */
export const SILENCE_MAX_MS = 90_000;
/** While there are messages, silent sockets are looked for this often; without any, when somebody comes in. */
export const SILENCE_LOOK_EVERY_MS = 2_000;

/**
 * What a room remembers of the messages that it has passed on, for peers whose socket has ended (RL21): of the whole room, not of each
 * peer. Each of these bounds alone would be enough to keep it small; the object's memory is shared with other rooms.
 */
export const RING_MESSAGES_MAX = 256;
/** In characters of our texts, which are ASCII. */
export const RING_BYTES_MAX = 512 * 1024;
export const RING_AGE_MAX_MS = 30_000;
/** Peers whose socket has ended and whose messages are kept for them. As many as can have been here at once. */
export const SEATS_MAX = PEERS_CEILING;

/** A longer text ends its socket; between `RELAY_TEXT_MAX` and this it is answered with `too-large`. */
export const TEXT_CLOSE_BYTES = 1024 * 1024;
/** So many messages that break the protocol end their socket. */
export const FAULTS_MAX = 32;

/**
 * While more than this waits for a peer that does not read, further messages to it are dropped: memory is the room's.
 * Who joined and who left is not dropped, or the peer's list of the others would be wrong and nothing would show it.
 */
export const BUFFERED_DROP_BYTES = 256 * 1024;
/** A peer that is so far behind, what was dropped included, is closed: it does better to come back and start afresh. */
export const BEHIND_CLOSE_BYTES = 1024 * 1024;

/** Refusals are paid from a bucket of their own; who empties it floods, and is closed. */
const REFUSALS_PER_S = 20;
const REFUSALS_BURST = 300;
/** A refused message costs one, and one more for each of these, so that big messages end a flood sooner. */
const REFUSAL_UNIT_BYTES = 4096;
/** `rate-limited` errors a socket is told; the rest of a flood is dropped without a word. */
export const RATE_ERRORS_PER_S = 4;
export const RATE_ERRORS_BURST = 8;

/** `burst` at once, then `perS` a second. */
export function bucketOf(perS: number, burst: number): TokenBucket {
  return new TokenBucket({ burst, refill: perS, everyMs: 1000 });
}

/** `refuse` is told to the sender, `drop` is not; `close` ends the socket. */
export type RateVerdict = 'pass' | 'refuse' | 'drop' | 'close';

/** What one socket may still send. */
export class SocketBudget {
  readonly #messages = bucketOf(SOCKET_MESSAGES_PER_S, SOCKET_MESSAGES_BURST);
  readonly #bytes = bucketOf(SOCKET_BYTES_PER_S, SOCKET_BYTES_BURST);
  readonly #refusals = bucketOf(REFUSALS_PER_S, REFUSALS_BURST);
  readonly #rateErrors = bucketOf(RATE_ERRORS_PER_S, RATE_ERRORS_BURST);

  /**
   * The room's own bucket is asked only for what the socket may send, so that one flooder cannot use up what its
   * neighbours need; and a room that is over its rate never closes a socket that kept to its own.
   */
  judge(bytes: number, room: TokenBucket, nowMs: number): RateVerdict {
    if (this.#messages.has(1, nowMs) && this.#bytes.take(bytes, nowMs)) {
      this.#messages.take(1, nowMs);
      return room.take(1, nowMs) ? 'pass' : this.#refuse(nowMs);
    }
    const cost = 1 + Math.floor(bytes / REFUSAL_UNIT_BYTES);
    return this.#refusals.take(cost, nowMs) ? this.#refuse(nowMs) : 'close';
  }

  #refuse(nowMs: number): RateVerdict {
    return this.#rateErrors.take(1, nowMs) ? 'refuse' : 'drop';
  }
}

/** What one room may be asked, by all who have to do with it. */
export class RoomBudget {
  readonly messages = bucketOf(ROOM_MESSAGES_PER_S, ROOM_MESSAGES_BURST);
  readonly outside = bucketOf(OUTSIDE_MESSAGES_PER_S, OUTSIDE_MESSAGES_BURST);
  readonly admissions = bucketOf(ROOM_ADMISSIONS_PER_S, ROOM_ADMISSIONS_BURST);
  readonly returns = bucketOf(ROOM_ADMISSIONS_PER_S, ROOM_ADMISSIONS_BURST);
  readonly calls = bucketOf(HTTP_CALLS_PER_S, HTTP_CALLS_BURST);
}

/** The `MAX_PEERS` setting: 1 to 64 as text or number; the default for anything else. */
export function parseMaxPeers(setting: unknown): number {
  const value = typeof setting === 'string' && /^[0-9]{1,2}$/.test(setting) ? Number(setting) : setting;
  const isInRange = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= PEERS_CEILING;
  return isInRange ? value : PEERS_DEFAULT;
}
