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

/** `expected`: the error's code, or the message of one without. */
export function throws(act: () => unknown, expected: string): void {
  try {
    act();
  } catch (error) {
    equal(codeOf(error), expected, 'another error');
    return;
  }
  throw new Error(`nothing was thrown, expected ${expected}`);
}

/** As `throws`, of what is asked for and comes later. */
export async function rejects(act: () => Promise<unknown>, expected: string): Promise<void> {
  const failed = await act().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (!failed) throw new Error(`nothing was rejected, expected ${expected}`);
  equal(codeOf(failed.error), expected, 'another error');
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

function codeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return 'code' in error ? error.code : error.message;
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (inner === undefined ? '(undefined)' : inner)) ?? 'undefined';
}
