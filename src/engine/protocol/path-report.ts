/**
 * How a connection came to stand, told to the operator by browsers whose user has agreed, and only at random
 * (PROTOCOL.md OP4, OP5). Randomised response: Warner 1965; for more than two answers k-RR, Kairouz et al. 2014 (§2.3).
 */
import { isRecord, parseJson } from './json.ts';

export const COUNTERS_PATH = '/counters';
export const PATH_REPORT_TEXT_MAX = 64;

/** Straight to the other browser; through a TURN host; not at all. */
export const LINK_PATHS = ['direct', 'relayed', 'failed'] as const;
export type LinkPath = (typeof LINK_PATHS)[number];

/** Of five equal chances three say the truth and one each of the others: e^ε = 3, ε = ln 3. */
export const TRUTH_CHANCES = 3;
export const CHANCES = TRUTH_CHANCES + LINK_PATHS.length - 1;

/** What is told: `chance` is from 0 to 4, each equally likely, and nobody else's to know. */
export function randomisedPath(truth: LinkPath, chance: number): LinkPath {
  if (chance < TRUTH_CHANCES) return truth;
  const others = LINK_PATHS.filter((path) => path !== truth);
  return others[chance - TRUTH_CHANCES] ?? truth;
}

/**
 * OP5: how many there were, out of how many were told: `(told − q·n) / (p − q)`, p = 3/5, q = 1/5. The mean is right; the
 * standard error of each is at most 1.23·√n, so that figures of a few dozen reports say nothing, and may be below zero.
 */
export function estimatedPaths(told: Readonly<Record<LinkPath, number>>): Record<LinkPath, number> {
  const total = LINK_PATHS.reduce((sum, path) => sum + told[path], 0);
  const estimate = (path: LinkPath): number => (told[path] * CHANCES - total) / (TRUTH_CHANCES - 1);
  return { direct: estimate('direct'), relayed: estimate('relayed'), failed: estimate('failed') };
}

export function formatPathReport(path: LinkPath): string {
  return JSON.stringify({ path });
}

export function parsePathReport(text: string): LinkPath | undefined {
  const value = text.length > PATH_REPORT_TEXT_MAX ? undefined : parseJson(text);
  return isRecord(value) ? LINK_PATHS.find((path) => path === value['path']) : undefined;
}
