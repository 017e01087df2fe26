/** What the component tests assert with: browsers have no `node:assert`. */
export function ok(value: unknown, message: string): asserts value {
  if (!value) throw new Error(message);
}

export function equal<T>(actual: T, expected: T, message = 'values differ'): void {
  if (!Object.is(actual, expected)) throw new Error(`${message}: got ${show(actual)}, expected ${show(expected)}`);
}

/** For plain data. */
export function same(actual: unknown, expected: unknown, message = 'values differ'): void {
  equal(show(actual), show(expected), message);
}

export function throws(act: () => unknown, code: string): void {
  try {
    act();
  } catch (error) {
    equal(error instanceof Error && 'code' in error ? error.code : error, code, 'another error');
    return;
  }
  throw new Error(`nothing was thrown, expected ${code}`);
}

/** Waits for a condition, looking at every frame; fails after the deadline. */
export async function until<T>(look: () => T | undefined | false | null, what: string, deadlineMs = 3_000): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (inner === undefined ? '(undefined)' : inner)) ?? 'undefined';
}
