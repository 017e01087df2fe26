/** Component tests: real modules, un-built, in Chromium and in Firefox. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { esbuildPlugin } from '@web/dev-server-esbuild';
import { defaultReporter } from '@web/test-runner';
import { playwrightLauncher } from '@web/test-runner-playwright';
import { puppeteerLauncher } from '@web/test-runner-puppeteer';
import { vectorsServerPlugin } from './scripts/lib/vectors-plugin.mjs';
import { workerSourceServerPlugin } from './scripts/lib/worker-source-plugin.mjs';
import { find } from './scripts/setup.mjs';

const TEST_TIMEOUT_MS = 10_000;
const FILE_TIMEOUT_MS = 120_000;

/** Chromium logs what a test provokes before the test can catch it: such errors say so. The heading says nothing by itself. */
const PROVOKED = /\(on purpose\)|^An error was thrown in a Promise outside a test/;

const isRoot = process.getuid?.() === 0;
const chromium = playwrightLauncher({
  product: 'chromium',
  launchOptions: {
    executablePath: find('chromium'),
    chromiumSandbox: !isRoot,
    args: [
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-gpu',
      '--disable-quic',
    ],
  },
});
const firefox = puppeteerLauncher({
  launchOptions: {
    browser: 'firefox',
    executablePath: find('firefox'),
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.autoplay.default': 0,
      // A page in the background is throttled, and tests take turns in one window.
      'dom.min_background_timeout_value': 4,
    },
  },
  // Firefox suspends what animates in a page that is not in front.
  concurrency: 1,
});

/** Where `scripts/test.mjs` wants the counts. */
const countsFile = process.env.TAI_COUNTS_FILE;
function countReporter() {
  return {
    onTestRunFinished({ sessions }) {
      const counts = { passed: 0, failed: 0, skipped: 0 };
      for (const session of sessions) {
        countSuite(session.testResults, counts);
        // A file that does not load, or fails in a hook, has failed though no test of it did.
        if (!session.passed && !hasFailedTest(session.testResults)) counts.failed += 1;
      }
      writeFileSync(countsFile, JSON.stringify(counts));
    },
  };
}

function allTests(suite) {
  return suite ? [...suite.tests, ...suite.suites.flatMap(allTests)] : [];
}

function countSuite(suite, counts) {
  for (const test of allTests(suite)) counts[test.skipped ? 'skipped' : test.passed ? 'passed' : 'failed'] += 1;
}

function hasFailedTest(suite) {
  return allTests(suite).some((test) => !test.skipped && !test.passed);
}

export default {
  rootDir: fileURLToPath(new URL('.', import.meta.url)),
  files: ['test/components/**/*.test.ts'],
  // What ships: the `development` builds of dependencies only differ in warnings.
  nodeResolve: { exportConditions: [], browser: true },
  browsers: [chromium, firefox],
  concurrency: 1,
  concurrentBrowsers: 2,
  filterBrowserLogs: ({ args }) => !args.some((arg) => PROVOKED.test(String(arg))),
  testsFinishTimeout: FILE_TIMEOUT_MS,
  testFramework: { config: { ui: 'bdd', timeout: TEST_TIMEOUT_MS } },
  plugins: [
    workerSourceServerPlugin(),
    vectorsServerPlugin(),
    esbuildPlugin({ ts: true, target: 'es2022', tsconfig: fileURLToPath(new URL('tsconfig.json', import.meta.url)) }),
  ],
  reporters: [defaultReporter(), ...(countsFile ? [countReporter()] : [])],
};
