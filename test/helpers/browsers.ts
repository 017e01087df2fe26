/**
 * Real browsers behind one narrow face: Chromium driven by playwright, Firefox by puppeteer over WebDriver BiDi. Both
 * with fake devices, loopback ICE, and a permission that is granted without a question.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright';
import puppeteer from 'puppeteer-core';

export type BrowserName = 'chromium' | 'firefox';
export const BROWSER_NAMES: readonly BrowserName[] = ['chromium', 'firefox'];

/** Any wait ends here; what a test shows happens in a fraction of it. */
export const DEADLINE_MS = 30_000;
const POLL_EVERY_MS = 30;
/** As small as shows all: without a graphics card the drawing of remote pictures is most of a call's load. */
const WINDOW = { width: 480, height: 400 };
/** Between two shadow roots in a path of selectors. */
const PIERCE = '>>>';

/** Chromium's own tools, by its DevTools protocol. */
export type Devtools = {
  send(method: string, parameters?: object): Promise<unknown>;
  on(event: string, listener: (parameters: unknown) => void): void;
};

export type Size = { readonly width: number; readonly height: number };

export type PageOptions = Partial<Size> & {
  /** The biggest picture that the page is given by a camera, whatever it would like to have; else the browser's. */
  readonly cameraSize?: Size;
};

export type TestPage = {
  readonly browser: BrowserName;
  /** Chromium alone has them. */
  devtools(): Promise<Devtools>;
  goto(url: string): Promise<void>;
  reload(): Promise<void>;
  /** Runs in the page; argument and result are plain data. */
  evaluate<Result, Argument = undefined>(
    run: (argument: Argument) => Result,
    argument?: Argument,
  ): Promise<Awaited<Result>>;
  /** Resolves with the first truthy value; rejects, naming `what`, after the deadline. */
  until<Result, Argument = undefined>(
    what: string,
    run: (argument: Argument) => Result,
    argument?: Argument,
  ): Promise<NonNullable<Awaited<Result>>>;
  /** A real click in the middle of the element that the path (`a >>> b`, through shadow roots) leads to, once it is there. */
  click(path: string): Promise<void>;
  resize(size: Size): Promise<void>;
  screenshot(file: string): Promise<void>;
  /** Uncaught errors and console errors of the page so far. */
  errors(): readonly string[];
  close(): Promise<void>;
};

export type TestBrowser = {
  readonly name: BrowserName;
  /** In a profile of its own. */
  newPage(options?: PageOptions): Promise<TestPage>;
  close(): Promise<void>;
  /** As a power cut ends it: no page gets to say a word. */
  kill(): Promise<void>;
};

const CHROMIUM_ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
];

/** What a fake microphone hears, where it can be told. */
export const TONE_HZ = 440;

const FIREFOX_PREFERENCES = {
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.navigator.streams.fake': true,
  'media.navigator.audio.fake_frequency': TONE_HZ,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.safebrowsing.downloads.remote.enabled': false,
};

/** Where the system has it, or where `CHROMIUM_PATH` / `FIREFOX_PATH` say. */
export function browserPath(name: BrowserName): string {
  const candidates =
    name === 'chromium'
      ? [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
      : [process.env['FIREFOX_PATH'], '/usr/bin/firefox-esr', '/usr/bin/firefox'];
  const found = candidates.find((path) => path !== undefined && existsSync(path));
  if (found === undefined) throw new Error(`${name} is not installed, and its path is not set`);
  return found;
}

export type LaunchOptions = {
  /** Pictures a second that a fake camera takes, where not Chromium's own 20 or Firefox's 30. */
  readonly cameraFps?: number;
  /** As of a page, for all that do not say. */
  readonly cameraSize?: Size;
  /** How often Firefox draws in a second, where not 60 times: it draws whole windows, without a graphics card in its main process. */
  readonly firefoxFps?: number;
  /** More of them, for Chromium; and another program in its place. */
  readonly chromiumArguments?: readonly string[];
  readonly chromiumPath?: string;
  readonly firefoxPath?: string;
  /** Where Firefox is to listen for us. */
  readonly firefoxPort?: number;
  /** On a network, not on one machine alone: no way through the loopback, and servers with certificates of a test's own making. */
  readonly isOnNetwork?: boolean;
};

const LOOPBACK_ARGUMENT = '--allow-loopback-in-peer-connection';
const NETWORK_ARGUMENT = '--ignore-certificate-errors';

export function launchBrowser(name: BrowserName, options: LaunchOptions = {}): Promise<TestBrowser> {
  return name === 'chromium' ? launchChromium(options) : launchFirefox(options);
}

async function launchChromium({
  cameraFps = 20,
  cameraSize: cameraSizeOfAll,
  chromiumArguments = [],
  chromiumPath,
  isOnNetwork = false,
}: LaunchOptions): Promise<TestBrowser> {
  const camera = `--use-fake-device-for-media-stream=fps=${cameraFps}`;
  const network = isOnNetwork ? NETWORK_ARGUMENT : LOOPBACK_ARGUMENT;
  const args = [...CHROMIUM_ARGUMENTS, network, camera, ...chromiumArguments];
  const browser = await chromium.launch({ executablePath: chromiumPath ?? browserPath('chromium'), args });
  return {
    name: 'chromium',
    newPage: async ({ width = WINDOW.width, height = WINDOW.height, cameraSize = cameraSizeOfAll } = {}) => {
      const context = await browser.newContext({ viewport: { width, height }, permissions: ['camera', 'microphone'] });
      if (cameraSize) await context.addInitScript(limitCamera, cameraSize);
      const page = await context.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      return testPage('chromium', errors, {
        goto: (url) => page.goto(url),
        reload: () => page.reload(),
        evaluate: async (run, argument) => await page.evaluate(run, argument),
        clickAt: (x, y) => page.mouse.click(x, y),
        resize: (size) => page.setViewportSize(size),
        screenshot: (path) => page.screenshot({ path }),
        devtools: async () => {
          const session = await context.newCDPSession(page);
          return {
            send: (method, parameters) => session.send(method as never, parameters as never),
            on: (event, listener) => void session.on(event as never, listener as never),
          };
        },
        close: () => context.close(),
      });
    },
    close: () => browser.close(),
    kill: async () => {
      const gone = new Promise<void>((resolve) => {
        browser.once('disconnected', () => resolve());
      });
      const session = await browser.newBrowserCDPSession();
      // never answered, for there is nobody left to answer
      session.send('Browser.crash').catch(() => undefined);
      await gone;
    },
  };
}

async function launchFirefox(options: LaunchOptions): Promise<TestBrowser> {
  const { cameraFps = 30, firefoxFps, firefoxPath, firefoxPort, isOnNetwork = false } = options;
  const cameraSizeOfAll = options.cameraSize;
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: firefoxPath ?? browserPath('firefox'),
    headless: true,
    acceptInsecureCerts: isOnNetwork,
    ...(firefoxPort !== undefined && { debuggingPort: firefoxPort }),
    extraPrefsFirefox: {
      ...FIREFOX_PREFERENCES,
      'media.peerconnection.ice.loopback': !isOnNetwork,
      'media.navigator.video.default_fps': cameraFps,
      ...(firefoxFps !== undefined && { 'layout.frame_rate': firefoxFps }),
    },
  });
  return {
    name: 'firefox',
    newPage: async ({ width = WINDOW.width, height = WINDOW.height, cameraSize = cameraSizeOfAll } = {}) => {
      const context = await browser.createBrowserContext();
      // In a window of its own: a tab in the background gets no frames.
      const page = await context.newPage({ type: 'window' });
      await page.setViewport({ width, height });
      if (cameraSize) await page.evaluateOnNewDocument(limitCamera, cameraSize);
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      return testPage('firefox', errors, {
        goto: (url) => page.goto(url),
        reload: () => page.reload(),
        evaluate: (run, argument) => page.evaluate(run, argument),
        clickAt: (x, y) => page.mouse.click(x, y),
        resize: (size) => page.setViewport(size),
        screenshot: (path) => page.screenshot({ path: path as `${string}.png` }),
        close: () => context.close(),
      });
    },
    close: () => browser.close(),
    kill: async () => {
      const child = browser.process();
      if (!child) throw new Error('the browser has no process of ours');
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    },
  };
}

type Driver = {
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  evaluate(run: (argument: unknown) => unknown, argument: unknown): Promise<unknown>;
  clickAt(x: number, y: number): Promise<void>;
  resize(size: { width: number; height: number }): Promise<void>;
  screenshot(file: string): Promise<unknown>;
  devtools?(): Promise<Devtools>;
  close(): Promise<void>;
};

function testPage(browser: BrowserName, errors: readonly string[], driver: Driver): TestPage {
  const evaluate = <Result, Argument>(
    run: (argument: Argument) => Result,
    argument?: Argument,
  ): Promise<Awaited<Result>> =>
    driver.evaluate(run as (argument: unknown) => unknown, argument) as Promise<Awaited<Result>>;
  const until = async <Result, Argument>(
    what: string,
    run: (argument: Argument) => Result,
    argument?: Argument,
  ): Promise<NonNullable<Awaited<Result>>> => {
    const deadline = Date.now() + DEADLINE_MS;
    let failure: unknown;
    while (Date.now() < deadline) {
      try {
        const value = await evaluate(run, argument);
        if (value) return value as NonNullable<Awaited<Result>>;
      } catch (error) {
        // A page that is being loaded has no context to run in.
        failure = error;
      }
      await delay(POLL_EVERY_MS);
    }
    throw new Error(`${browser}: never happened: ${what}${failure === undefined ? '' : ` (${String(failure)})`}`);
  };
  return {
    browser,
    goto: async (url) => void (await driver.goto(url)),
    reload: async () => void (await driver.reload()),
    evaluate,
    until,
    click: async (path) => {
      const { x, y } = await until(`an element at ${path}`, middleOf, { path, pierce: PIERCE });
      await driver.clickAt(x, y);
    },
    resize: async (size) => void (await driver.resize({ ...size })),
    screenshot: async (file) => void (await driver.screenshot(file)),
    errors: () => errors,
    devtools: async () => {
      if (!driver.devtools) throw new Error(`${browser} has no such tools`);
      return driver.devtools();
    },
    close: () => driver.close(),
  };
}

/** Runs in the page before its own scripts, whatever its policy. The camera is asked as before, for no more than this. */
function limitCamera(ideal: Size): void {
  // a page that is not secure has none
  const devices = globalThis.MediaDevices?.prototype;
  if (!devices) return;
  const { getUserMedia } = devices;
  devices.getUserMedia = function ask(constraints) {
    const video = constraints?.video;
    if (typeof video !== 'object') return getUserMedia.call(this, constraints);
    const size = { width: { ideal: ideal.width }, height: { ideal: ideal.height } };
    return getUserMedia.call(this, { ...constraints, video: { ...video, ...size } });
  };
}

/** Runs in the page: where to click, once the element is shown, enabled and not moving. */
async function middleOf({
  path,
  pierce,
}: {
  path: string;
  pierce: string;
}): Promise<{ x: number; y: number } | undefined> {
  let root: ParentNode | null | undefined = document;
  let element: Element | null | undefined;
  for (const selector of path.split(pierce)) {
    element = root?.querySelector(selector.trim());
    root = element?.shadowRoot;
  }
  if (!element || element.matches(':disabled')) return undefined;
  element.scrollIntoView({ block: 'center', behavior: 'instant' });
  const frame = (): Promise<DOMRect> =>
    new Promise((resolve) => requestAnimationFrame(() => resolve((element as Element).getBoundingClientRect())));
  const before = await frame();
  const after = await frame();
  if (before.width === 0 || before.x !== after.x || before.y !== after.y) return undefined;
  return { x: after.x + after.width / 2, y: after.y + after.height / 2 };
}
