/** The test suites, each run by the runner that fits it. Every suite resolves to `{passed, failed, skipped}`. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, tool } from '../setup.mjs';
import { listFiles } from './files.mjs';
import { runNode } from './processes.mjs';

/** A test that hangs is ended, and fails. */
const UNIT_TIMEOUT_MS = 180_000;
const E2E_TIMEOUT_MS = 300_000;
/** So is a file whose process does not end when its tests have: no timeout of a test reaches it. */
const UNIT_DEADLINE_MS = 540_000;
const COMPONENTS_DEADLINE_MS = 300_000;
const E2E_DEADLINE_MS = 1_500_000;
/** While one waits (for a start, a protocol's timer, a picture), the other goes on. */
const E2E_LANES = 2;
/** Seconds that a file takes, about: so that both lanes end together. */
const E2E_SECONDS = {
  ...{ call: 70, demo: 45, 'drop-in': 45, embedding: 45, frames: 90, 'frame-traps': 75, 'ice-servers': 10 },
  ...{ private: 45, resilience: 60, trust: 95, turn: 25, wire: 10 },
};
const E2E_SECONDS_OF_OTHERS = 45;
/** Has as many people in a call as the machine can bear. */
const E2E_ALONE = ['mesh'];
/** What `long` runs takes its time, and as much more as is asked for. */
const LONG_TIMEOUT_MS = 1_800_000;
const LONG_DEADLINE_MS = 3_600_000;
const SOAK_MINUTES = Number(process.env.TAI_SOAK_MINUTES) || 5;
/** What secrets go through is tested line by line and branch by branch; what of it is not, fails the suite. */
const COVERED = ['src/engine/crypto/**/*.ts', 'src/engine/keys/**/*.ts'];
const COVERAGE = [
  '--experimental-test-coverage',
  ...COVERED.map((glob) => `--test-coverage-include=${glob}`),
  ...['lines', 'branches', 'functions'].map((kind) => `--test-coverage-${kind}=100`),
];
/** Whose tests cover them whole. The others run without counting, which makes hot loops twice as slow. */
const COVERING = ['crypto', 'keys'];
/** Of these, what goes through the same lines again and again. */
const REPEATING = ['crypto/ratchet-order', 'crypto/safety-number', 'crypto/vectors', 'keys/room-code-rooms'];
/**
 * What waits for most of its time, as for an object that the platform puts to sleep after ten idle seconds, runs beside what
 * computes. None of it is measured in less than seconds.
 */
const WAITING = ['relay/half-open', 'relay/mailbox', 'relay/runtime', 'relay/worker-door'];
/** Node leaves one processor free for its own process, which does next to nothing; on two that is half of them. */
const ON_ALL_PROCESSORS = `--test-concurrency=${availableParallelism()}`;
/** Folders of `test/` that run in browsers; every other one runs in Node. */
const BROWSER_FOLDERS = ['components', 'e2e', 'lab', 'long', 'helpers'];

let compiled;
/** For processes that load the same modules as others: each is compiled once. The folder is gone at the end. */
function keepCompiled() {
  if (compiled === undefined) {
    compiled = mkdtempSync(join(tmpdir(), 'tai-compiled-'));
    process.on('exit', () => rmSync(compiled, { recursive: true, force: true }));
  }
  return { NODE_COMPILE_CACHE: compiled };
}

function testFiles(includes) {
  return listFiles(root, 'test').filter((path) => path.endsWith('.test.ts') && includes(path.split('/')[1]));
}

/** Files whose path contains the filter; where none does, all files, with the filter taken as a test's name. */
function narrow(files, filter) {
  const named = filter ? files.filter((path) => path.includes(filter)) : files;
  return named.length > 0 ? { files: named } : { files, testName: filter };
}

async function withCounts(run) {
  const folder = mkdtempSync(join(tmpdir(), 'tai-counts-'));
  const countsFile = join(folder, 'counts.json');
  try {
    const { code } = await run(countsFile);
    const text = existsSync(countsFile) ? readFileSync(countsFile, 'utf8') : '';
    const counts = text ? JSON.parse(text) : undefined;
    // A runner that broke off, or says it failed where no test did, is a failure by itself.
    if (!counts) return { passed: 0, failed: 1, skipped: 0 };
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `output`: as of `runNode`; what is captured is shown in one piece at the end. */
export function runNodeTests(files, { filter, timeout_ms, deadline_ms, options = [], env = {}, output = 'inherit' }) {
  const chosen = narrow(files, filter);
  if (chosen.files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  return withCounts(async (countsFile) => {
    const { code, text } = await runNode(
      [
        '--test',
        ...options,
        `--test-timeout=${timeout_ms}`,
        ...(chosen.testName ? [`--test-name-pattern=${chosen.testName}`] : []),
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        `--test-reporter=${join(root, 'scripts/lib/count-reporter.mjs')}`,
        `--test-reporter-destination=${countsFile}`,
        ...chosen.files,
      ],
      {
        // Set where these scripts themselves run inside a test; a nested runner would report to the outer one.
        env: { ...env, NODE_TEST_CONTEXT: undefined },
        deadline_ms,
        output,
      },
    );
    process.stdout.write(text);
    return { code };
  });
}

function sum(all) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) for (const key of Object.keys(total)) total[key] += counts[key];
  return total;
}

export async function unit({ filter, env }) {
  const run = (includes, { isCounted = false, output } = {}) =>
    runNodeTests(testFiles((folder) => !BROWSER_FOLDERS.includes(folder)).filter(includes), {
      filter,
      timeout_ms: UNIT_TIMEOUT_MS,
      deadline_ms: UNIT_DEADLINE_MS,
      options: [ON_ALL_PROCESSORS, ...(isCounted ? COVERAGE : [])],
      // What is counted in compiled code that was kept is not exact.
      env: isCounted ? env : { ...env, ...keepCompiled() },
      output,
    });
  // Some of the tests alone cover some of the lines.
  if (filter !== undefined) return run(() => true);
  const isNamed = (path, names) => names.some((name) => path === `test/${name}.test.ts`);
  const isWaiting = (path) => isNamed(path, WAITING);
  const isCovering = (path) => COVERING.includes(path.split('/')[1]) && !isNamed(path, REPEATING);
  const computing = async () => [
    await run(isCovering, { isCounted: true }),
    await run((path) => !isCovering(path) && !isWaiting(path)),
  ];
  const waiting = run(isWaiting, { output: 'capture' });
  return sum([...(await computing()), await waiting]);
}

export function components({ filter, env }) {
  const chosen = narrow(
    testFiles((folder) => folder === 'components'),
    filter,
  ).files;
  if (chosen.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  return withCounts((countsFile) =>
    runNode([tool('@web/test-runner', 'wtr'), '--static-logging', ...chosen.flatMap((path) => ['--files', path])], {
      env: { ...env, TAI_COUNTS_FILE: countsFile },
      deadline_ms: COMPONENTS_DEADLINE_MS,
    }),
  );
}

export async function e2e({ filter, env }) {
  // One process for all of a lane's files: they share its browsers.
  const run = (files, output) =>
    runNodeTests(files, {
      filter,
      timeout_ms: E2E_TIMEOUT_MS,
      deadline_ms: E2E_DEADLINE_MS,
      options: ['--test-isolation=none'],
      env: { ...env, ...keepCompiled() },
      output,
    });
  const files = testFiles((folder) => folder === 'e2e');
  if (filter !== undefined) return run(files);
  const isAlone = (path) => E2E_ALONE.some((name) => path === `test/e2e/${name}.test.ts`);
  const [first, ...others] = lanesOf(files.filter((path) => !isAlone(path)));
  const together = await Promise.all([run(first), ...others.map((lane) => run(lane, 'capture'))]);
  return sum([...together, await run(files.filter(isAlone))]);
}

/** The longest first, each to the lane that has the least to do. */
function lanesOf(files) {
  const secondsOf = (path) => E2E_SECONDS[path.slice('test/e2e/'.length, -'.test.ts'.length)] ?? E2E_SECONDS_OF_OTHERS;
  const lanes = Array.from({ length: E2E_LANES }, () => ({ files: [], seconds: 0 }));
  for (const path of files.toSorted((a, b) => secondsOf(b) - secondsOf(a))) {
    const [lane] = lanes.toSorted((a, b) => a.seconds - b.seconds);
    lane.files.push(path);
    lane.seconds += secondsOf(path);
  }
  return lanes.map((lane) => lane.files);
}

/** Networks of its own, on Linux as root; elsewhere its tests say so and are skipped. `isWhole`: every pair of routers, not a few. */
export function lab({ filter, env, isWhole = false }) {
  return runNodeTests(
    testFiles((folder) => folder === 'lab'),
    {
      filter,
      timeout_ms: E2E_TIMEOUT_MS,
      deadline_ms: E2E_DEADLINE_MS,
      options: ['--test-concurrency=1'],
      env: { ...env, TAI_LAB: isWhole ? 'whole' : 'few' },
    },
  );
}

/** Not a part of `npm test`. */
export function long({ filter, env }) {
  const soak_ms = SOAK_MINUTES * 60_000;
  return runNodeTests(
    testFiles((folder) => folder === 'long'),
    {
      filter,
      timeout_ms: LONG_TIMEOUT_MS + soak_ms,
      deadline_ms: LONG_DEADLINE_MS + soak_ms,
      options: ['--test-concurrency=1'],
      env: { ...env, TAI_SOAK_MINUTES: String(SOAK_MINUTES) },
    },
  );
}
