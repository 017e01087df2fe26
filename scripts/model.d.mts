export type Expected = 'holds' | 'attack' | 'reachable';

/** One run of the model (model/runs.mjs); the fields that are not here are Maude's. */
export type Run = {
  readonly group: 'protocol' | 'limit' | 'mutant' | 'spare';
  readonly name: string;
  readonly isLong: boolean;
  /** Names of parts. */
  readonly leftOut: readonly string[];
  readonly checks: readonly { readonly expected: Expected; readonly queries: readonly string[] }[];
};

export type Result = {
  readonly run: Run;
  readonly queries: readonly string[];
  readonly expected: Expected;
  /** What the search has shown; a sentence where it has shown nothing. */
  readonly verdict: string;
  readonly states: number;
  /** Names of the rules that led there; empty where nothing was reached. */
  readonly path: readonly string[];
  readonly seconds: number;
};

/** The path of Maude; `undefined` where there is none, or where `MAUDE_PATH` names no program. */
export function findMaude(): string | undefined;
export function wantMaude(): string | undefined;
/** Runs all searches of these runs (all runs, where none are given); rejects never: a search that fails has a sentence as its verdict. */
export function checkModel(options: {
  readonly maude: string;
  readonly runs?: readonly Run[];
  readonly tell?: (result: Result) => void;
}): Promise<Result[]>;
export function isExpected(result: Result): boolean;
/** Lines for a person, each with its end of line. */
export function formatResult(result: Result): string;
