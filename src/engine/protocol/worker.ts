/**
 * What page and worker say to each other (PROTOCOL.md WK1–WK3): the room's timers, and the keys and counts of its frames.
 * Both ends are ours, and both parse: a worker that misreads a key would seal under another one.
 */
import { isRecord, parseCount, parseText } from './json.ts';
import type { Bytes } from './bytes.ts';

const TIMER_ID_MAX = 128;
/** Longer timers than a day are a bug. */
const DELAY_MAX_MS = 86_400_000;
const LINK_MAX_CHARS = 64;
const GENERATION_MAX = 2 ** 32 - 1;
/** Five bits of the KID (FR). */
const STREAM_MAX = 31;
const SENDER_KEY_BYTES = 32;
const COUNTS_MAX = 1024;
const REASON_MAX_CHARS = 32;

export type ClockRequest =
  | { readonly type: 'start'; readonly id: string; readonly delay_ms: number }
  | { readonly type: 'stop'; readonly id: string };

/** Which frames a transform is for. It goes with the transform itself (`RTCRtpScriptTransform` options). */
export type TransformAddress = {
  /** Names one connection to one peer, for page and worker alone. */
  readonly link: string;
  /** 0 to 31: one writer of one stream number, so that no counter is used twice under one key. */
  readonly stream: number;
  readonly side: 'seal' | 'open';
};

export type FrameRequest =
  /** From now on our frames on this link are sealed under this key. */
  | { readonly type: 'seal-key'; readonly link: string; readonly generation: number; readonly key: Bytes }
  /** Frames of the peer may come under this key. */
  | { readonly type: 'open-key'; readonly link: string; readonly generation: number; readonly key: Bytes }
  | { readonly type: 'close-link'; readonly link: string }
  /** Answered by `counts` with the same id. */
  | { readonly type: 'count'; readonly id: number };

export type WorkerRequest = ClockRequest | FrameRequest;

/** Frames of one transform since it was attached. */
export type FrameCounts = TransformAddress & {
  /** Sealed or opened, and passed on. */
  readonly done: number;
  /** Not passed on, by reason. */
  readonly dropped: { readonly [reason: string]: number };
};

const FRAME_STATES = ['ready', 'opened', 'failing', 'unsupported'] as const;
export type FrameState = (typeof FRAME_STATES)[number];

/** What the worker tells of its own accord. */
export type WorkerReport =
  /** The script runs. */
  | { readonly type: 'started' }
  /** A timer's end. */
  | { readonly type: 'fired'; readonly id: string }
  /**
   * `ready`: the transform is in place and has its key, tracks may come. `opened`: the first frame has opened, also after
   * a failure. `failing`: frames come and none opens, told again as long as it goes on. `unsupported`: this browser does not
   * tell what the seal is bound to.
   */
  | ({ readonly type: 'frames'; readonly state: FrameState } & TransformAddress)
  /** Frames of the peer have begun to come, or have ceased (FO3): on this link, or those of one of its streams that open. */
  | { readonly type: 'flow'; readonly link: string; readonly stream?: number; readonly isFlowing: boolean }
  | { readonly type: 'counts'; readonly id: number; readonly counts: readonly FrameCounts[] };

export function parseWorkerRequest(value: unknown): WorkerRequest | undefined {
  if (!isRecord(value)) return undefined;
  switch (value['type']) {
    case 'start': {
      const id = parseText(value['id'], TIMER_ID_MAX);
      const delay_ms = parseCount(value['delay_ms'], DELAY_MAX_MS);
      return id !== undefined && delay_ms !== undefined ? { type: 'start', id, delay_ms } : undefined;
    }
    case 'stop': {
      const id = parseText(value['id'], TIMER_ID_MAX);
      return id !== undefined ? { type: 'stop', id } : undefined;
    }
    case 'seal-key':
    case 'open-key': {
      const link = parseText(value['link'], LINK_MAX_CHARS);
      const generation = parseCount(value['generation'], GENERATION_MAX);
      const key = parseKey(value['key']);
      return link !== undefined && generation !== undefined && key
        ? { type: value['type'], link, generation, key }
        : undefined;
    }
    case 'close-link': {
      const link = parseText(value['link'], LINK_MAX_CHARS);
      return link !== undefined ? { type: 'close-link', link } : undefined;
    }
    case 'count': {
      const id = parseCount(value['id']);
      return id !== undefined ? { type: 'count', id } : undefined;
    }
    default:
      return undefined;
  }
}

export function parseTransformAddress(value: unknown): TransformAddress | undefined {
  if (!isRecord(value)) return undefined;
  const link = parseText(value['link'], LINK_MAX_CHARS);
  const stream = parseCount(value['stream'], STREAM_MAX);
  const side = value['side'];
  if (link === undefined || stream === undefined || (side !== 'seal' && side !== 'open')) return undefined;
  return { link, stream, side };
}

export function parseWorkerReport(value: unknown): WorkerReport | undefined {
  if (!isRecord(value)) return undefined;
  switch (value['type']) {
    case 'started':
      return { type: 'started' };
    case 'fired': {
      const id = parseText(value['id'], TIMER_ID_MAX);
      return id !== undefined ? { type: 'fired', id } : undefined;
    }
    case 'frames': {
      const address = parseTransformAddress(value);
      const state = value['state'];
      const known = FRAME_STATES.find((each) => each === state);
      return address && known ? { type: 'frames', state: known, ...address } : undefined;
    }
    case 'flow': {
      const link = parseText(value['link'], LINK_MAX_CHARS);
      const { isFlowing } = value;
      if (link === undefined || typeof isFlowing !== 'boolean') return undefined;
      if (value['stream'] === undefined) return { type: 'flow', link, isFlowing };
      const stream = parseCount(value['stream'], STREAM_MAX);
      return stream === undefined ? undefined : { type: 'flow', link, stream, isFlowing };
    }
    case 'counts': {
      const id = parseCount(value['id']);
      const counts = parseCounts(value['counts']);
      return id !== undefined && counts ? { type: 'counts', id, counts } : undefined;
    }
    default:
      return undefined;
  }
}

function parseKey(value: unknown): Bytes | undefined {
  return value instanceof Uint8Array && value.buffer instanceof ArrayBuffer && value.length === SENDER_KEY_BYTES
    ? (value as Bytes)
    : undefined;
}

function parseCounts(value: unknown): readonly FrameCounts[] | undefined {
  if (!Array.isArray(value) || value.length > COUNTS_MAX) return undefined;
  const counts: FrameCounts[] = [];
  for (const each of value as readonly unknown[]) {
    const address = parseTransformAddress(each);
    if (!address || !isRecord(each)) return undefined;
    const done = parseCount(each['done']);
    const dropped = each['dropped'];
    if (done === undefined || !isRecord(dropped)) return undefined;
    const reasons = Object.entries(dropped).map(([reason, count]) => [reason, parseCount(count)] as const);
    if (reasons.some(([reason, count]) => reason.length > REASON_MAX_CHARS || count === undefined)) return undefined;
    counts.push({ ...address, done, dropped: Object.fromEntries(reasons as [string, number][]) });
  }
  return counts;
}
