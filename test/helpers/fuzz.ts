/** Seeded fuzzing of parsers: broken and half-broken texts made from good ones. */
import assert from 'node:assert/strict';
import { Random } from './random.ts';

export const FUZZ_INPUTS = 20_000;
const FUZZ_SEED = 20_261;

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e308,
  2 ** 32,
  2 ** 53,
  2 ** 53 - 1,
  '',
  'x'.repeat(70),
  '\u0000',
  '\u202e',
  '\ud800',
  '__proto__',
  'constructor',
  [],
  {},
  [[[[]]]],
  { toString: 1 },
];
const ODD_CHARACTERS = [
  '',
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\',
  '0',
  '-',
  '_',
  '=',
  '+',
  'A',
  'f',
  '\u0000',
  '\u00e9',
  '\ud83d',
  ' ',
];
const ODD_KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', ''];

/** A text that may or may not be good: a sample changed in its characters or in its JSON, or noise. */
export function brokenText(random: Random, samples: readonly string[]): string {
  const kind = random.below(10);
  if (kind === 0) return String.fromCharCode(...random.bytes(random.below(64)));
  const sample = random.pick(samples);
  if (kind === 1) return sample;
  if (kind < 6) return changedCharacters(random, sample);
  try {
    return JSON.stringify(changedValue(random, JSON.parse(sample)));
  } catch {
    return changedCharacters(random, sample);
  }
}

function changedCharacters(random: Random, text: string): string {
  let changed = text;
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(changed.length + 1);
    const end = random.chance(0.7) ? at + random.below(2) : random.below(changed.length + 1);
    const put = random.chance(0.2) ? changed.slice(random.below(at + 1), at) : random.pick(ODD_CHARACTERS);
    changed = changed.slice(0, at) + put + changed.slice(Math.max(at, end));
  }
  return changed;
}

function changedValue(random: Random, value: unknown): unknown {
  if (random.chance(0.15) || typeof value !== 'object' || value === null) return random.pick(ODD_VALUES);
  if (Array.isArray(value)) {
    const list: unknown[] = [...(value as readonly unknown[])];
    const at = random.below(list.length + 1);
    if (random.chance(0.1)) return Array.from({ length: 70 }, () => list[0] ?? 0);
    list.splice(at, random.below(2), at < list.length ? changedValue(random, list[at]) : random.pick(ODD_VALUES));
    return list;
  }
  const entries: [string, unknown][] = Object.entries(value);
  const at = random.below(entries.length + 1);
  const entry = entries[at];
  if (!entry) entries.push([random.pick(ODD_KEYS), random.pick(ODD_VALUES)]);
  else if (random.chance(0.2)) entries.splice(at, 1);
  else entries[at] = [entry[0], changedValue(random, entry[1])];
  // not Object.fromEntries: an own `__proto__` is what JSON.parse would make of it
  const object = {};
  for (const [key, item] of entries) {
    Object.defineProperty(object, key, { value: item, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

export type FuzzedParser<T> = {
  readonly samples: readonly string[];
  readonly parse: (text: string) => T | undefined;
  /** Writes a parsed value in the form that `parse` reads. */
  readonly format: (value: T) => string;
};

/**
 * `FUZZ_INPUTS` texts: the parser never throws, and whatever it takes, it takes the same way once it is written again.
 * Fails too where fewer than 1 in 100 texts, or all of them, were taken: then the samples are of no use.
 */
export function fuzzParser<T>({ samples, parse, format }: FuzzedParser<T>): void {
  const random = new Random(FUZZ_SEED);
  let taken = 0;
  for (let i = 0; i < FUZZ_INPUTS; i++) {
    const text = brokenText(random, samples);
    try {
      const value = parse(text);
      if (value === undefined) continue;
      taken++;
      const written = format(value);
      const again = parse(written);
      assert.notEqual(again, undefined, 'written again, it is refused');
      assert.equal(format(again as T), written, 'written again, it is another');
    } catch (cause) {
      throw new Error(`seed ${FUZZ_SEED}, input ${i}: ${JSON.stringify(text)}`, { cause });
    }
  }
  assert.ok(taken >= FUZZ_INPUTS / 100 && taken < FUZZ_INPUTS, `${taken} of ${FUZZ_INPUTS} texts were taken`);
}
