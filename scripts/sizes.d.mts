export type Sizes = { readonly [group: string]: { readonly bytes: number; readonly gzip: number } };

/** Bytes of gzip. */
export const BUDGETS: { readonly [Group in 'first-script' | 'room' | 'engine']: number };

export function measure(): Promise<Sizes>;
/** One sentence for each fault; none when all is well. Budgets are bytes of gzip. */
export function compareSizes(sizes: Sizes, pinned: Sizes, budgets?: { readonly [group: string]: number }): string[];
export function checkSizes(): Promise<string[]>;
