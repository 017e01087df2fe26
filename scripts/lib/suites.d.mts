export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };
export type SuiteOptions = { readonly filter?: string; readonly env?: Readonly<Record<string, string>> };

export function runNodeTests(
  files: readonly string[],
  options: SuiteOptions & {
    readonly timeout_ms: number;
    readonly deadline_ms: number;
    readonly options?: readonly string[];
  },
): Promise<Counts>;
export function unit(options: SuiteOptions): Promise<Counts>;
export function components(options: SuiteOptions): Promise<Counts>;
export function e2e(options: SuiteOptions): Promise<Counts>;
export function long(options: SuiteOptions): Promise<Counts>;
export function lab(options: SuiteOptions & { readonly isWhole?: boolean }): Promise<Counts>;
