/**
 * What the operator sees (PROTOCOL.md OP1, OP3, OP4): what is deployed, and counts: that something happened, never to whom. They
 * go to a Workers Analytics Engine data set where one is bound, and nowhere otherwise; nothing is kept here.
 */
import { PATH_REPORT_TEXT_MAX, parsePathReport } from '../src/engine/protocol/path-report.ts';
import { SUBPROTOCOL } from '../src/engine/protocol/token.ts';
import { readBounded } from './bounded-text.ts';
import type { Door } from './door.ts';
import { behindDoor, json } from './http-face.ts';
import { turnHealth } from './ice-issuer.ts';
import type { TurnEnv } from './ice-issuer.ts';
import { isTurnForTokens } from './ice.ts';
import { isMailboxOn } from './mailbox-limits.ts';

export { COUNTERS_PATH } from '../src/engine/protocol/path-report.ts';

export const HEALTH_PATH = '/healthz';

/** The part of a data set that is needed. It keeps the time of each point; we give it no index, so that all are alike. */
export type Counters = { writeDataPoint(point: { readonly blobs: string[]; readonly doubles: number[] }): void };

export type HealthEnv = TurnEnv & {
  readonly ICE_SERVERS?: unknown;
  readonly MAILBOX?: unknown;
  readonly COUNTERS?: Counters;
  readonly DEPLOYMENT?: { readonly id: string };
};

/**
 * OP1: what is deployed and set, and nothing of how it is used. `ok` is false where a slip in the door's settings lets nobody in
 * (AD19): then `faults` names them, and never says what stands in them. `warnings` is of what works, and may not be meant.
 */
export function healthOf(
  env: HealthEnv,
  { faults, isForAnybody }: Pick<Door, 'faults' | 'isForAnybody'>,
): Readonly<Record<string, boolean | string>> & { readonly ok: boolean } {
  const isOpen = faults.length === 0;
  return {
    ok: isOpen,
    protocol: SUBPROTOCOL,
    mailbox: isMailboxOn(env.MAILBOX),
    counters: env.COUNTERS !== undefined,
    ...turnHealth(env),
    ...(env.DEPLOYMENT && { deployment: env.DEPLOYMENT.id }),
    ...(!isOpen && { faults: faults.join(' ') }),
    ...(isForAnybody && isTurnForTokens(env) && { warnings: 'turn-for-anybody' }),
  };
}

export function answerHealth(env: HealthEnv, door: Door): Response {
  const health = healthOf(env, door);
  return json(health.ok ? 200 : 503, health);
}

/** `socket`: one more peer was let in; a path: what a browser has reported (OP4). The room's object counts `room` by itself. */
export type Counted = 'socket' | `path-${'direct' | 'relayed' | 'failed'}`;

/** Counts what is counted where the operator wants it; else does nothing. */
export function count(counters: Counters | undefined, what: Counted): void {
  counters?.writeDataPoint({ blobs: [what], doubles: [1] });
}

/** OP4: takes a report that says nothing but a word. 404 where nothing is counted, so that browsers do not go on. */
export async function answerPathReport(
  request: Request,
  counters: Counters | undefined,
  door: Door,
): Promise<Response> {
  return await behindDoor(request, door, async () => {
    if (!counters) return { status: 404 };
    const text = await readBounded(request.body, PATH_REPORT_TEXT_MAX);
    const path = typeof text === 'string' ? parsePathReport(text) : undefined;
    if (!path) return { status: 400 };
    count(counters, `path-${path}`);
    return {};
  });
}
