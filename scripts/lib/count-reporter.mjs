/** A reporter for `node --test` that prints one line of JSON at the end: how many passed, failed and were skipped. */
export default async function* countReporter(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    // A suite that fails by itself (in a hook) counts; one that only holds a failed test does not count twice.
    if (data.details?.type === 'suite' && (type === 'test:pass' || isFailureOfParts(data))) continue;
    // A file in which nothing ran (no test has the name asked for) passes as a file, and proves nothing.
    if (type === 'test:pass' && data.nesting === 0 && data.name.endsWith('.test.ts')) continue;
    if (data.skip !== undefined || data.todo !== undefined) counts.skipped += 1;
    else if (type === 'test:pass') counts.passed += 1;
    else counts.failed += 1;
  }
  yield `${JSON.stringify(counts)}\n`;
}

function isFailureOfParts(data) {
  return data.details?.error?.failureType === 'subtestsFailed';
}
