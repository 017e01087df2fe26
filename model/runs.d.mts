import type { Run } from '../scripts/model.mjs';

/** Names of all that a session of honest peers is to have. */
export const QUERIES: readonly string[];
export const RUNS: readonly Run[];
