/**
 * The operator's counts (PROTOCOL.md OP3–OP6): that something happened, never to whom. They go to a Workers Analytics Engine
 * data set where one is bound, and nowhere otherwise; nothing is kept here.
 */
import { PATH_REPORT_TEXT_MAX, parsePathReport } from '../src/engine/protocol/path-report.ts';
import { CORS_HEADERS, preflight, readText } from './http-face.ts';

/** The part of a data set that is needed. It keeps the time of each point; we give it no index, so that all are alike. */
export type Counters = { writeDataPoint(point: { readonly blobs: string[]; readonly doubles: number[] }): void };

/** `room`: one that was empty before; `socket`: one more peer was let in; a path: what a browser has reported (OP4). */
export type Counted = 'room' | 'socket' | `path-${'direct' | 'relayed' | 'failed'}`;

/** Counts what is counted where the operator wants it; else does nothing. */
export function count(counters: Counters | undefined, ...what: readonly Counted[]): void {
  for (const one of what) counters?.writeDataPoint({ blobs: [one], doubles: [1] });
}

/** OP4: takes a report that says nothing but a word. 404 where nothing is counted, so that browsers do not go on. */
export async function answerPathReport(request: Request, counters: Counters | undefined): Promise<Response> {
  const respond = (status: number): Response =>
    new Response(null, { status, headers: { ...CORS_HEADERS, 'Cache-Control': 'no-store' } });
  if (request.method === 'OPTIONS') return preflight();
  if (!counters) return respond(404);
  if (request.method !== 'POST') return respond(405);
  const text = await readText(request.body, PATH_REPORT_TEXT_MAX);
  const path = typeof text === 'string' ? parsePathReport(text) : undefined;
  if (!path) return respond(400);
  count(counters, `path-${path}`);
  return respond(204);
}
