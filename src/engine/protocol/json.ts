/** The few checks that every JSON parser here is made of. Outside text is parsed to `unknown` and then looked at. */

export type JsonRecord = { readonly [key: string]: unknown };

/** `undefined` for text that is not JSON (JSON itself cannot say `undefined`). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A string of at most `maxLength` UTF-16 units. */
export function parseText(value: unknown, maxLength: number): string | undefined {
  return typeof value === 'string' && value.length <= maxLength ? value : undefined;
}

/** An integer from 0 to `max`. */
export function parseCount(value: unknown, max: number = Number.MAX_SAFE_INTEGER): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max ? value : undefined;
}

/** A list of at most `maxItems`, each read by `parseItem`; `undefined` as soon as one item is bad. */
export function parseList<T>(
  value: unknown,
  maxItems: number,
  parseItem: (item: unknown) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length > maxItems) return undefined;
  const list: T[] = [];
  for (const item of value as readonly unknown[]) {
    const parsed = parseItem(item);
    if (parsed === undefined) return undefined;
    list.push(parsed);
  }
  return list;
}
