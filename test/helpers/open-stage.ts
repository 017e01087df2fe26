/** What a page is tried on: a relay, a customer's site on another origin, and browsers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserName, LaunchOptions, PageOptions, TestBrowser, TestPage } from './browsers.ts';
import { serveHostSite } from './host-page.ts';
import type { HostPage, HostSite } from './host-page.ts';
import { startRelayProcess } from './relay-process.ts';
import type { RelayProcess } from './relay-process.ts';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

/** Two processors without a graphics card code and draw the pictures of three people at this rate, and not at full rate. */
const CAMERA_FPS = 10;

/** For what is not about the pictures themselves: coding and drawing whole ones (720p) is most of what a call costs here. */
export const SMALL_PICTURES: LaunchOptions = {
  cameraFps: CAMERA_FPS,
  cameraSize: { width: 320, height: 180 },
  firefoxFps: 2 * CAMERA_FPS,
};

export type Stage = {
  readonly relay: RelayProcess;
  readonly site: HostSite;
  open(browser: BrowserName, url: string, options?: PageOptions): Promise<TestPage>;
  /** Closes every page opened since the last call. */
  clear(): Promise<void>;
  close(): Promise<void>;
};

export type Launch = (name: BrowserName, options: LaunchOptions) => Promise<TestBrowser>;

/** `pages` of the customer's site, by path, made once the relay's address is known; `vars` are the relay's settings. */
export async function openStage(
  launch: Launch,
  pages: (relayUrl: string) => Readonly<Record<string, HostPage>>,
  names: readonly BrowserName[] = ['chromium', 'firefox'],
  vars: Readonly<Record<string, string>> = {},
  options: LaunchOptions = { cameraFps: CAMERA_FPS },
): Promise<Stage> {
  if (!existsSync(join(DIST, 'tai.js'))) throw new Error('dist/ is missing: run `npm run build` first');
  const { relay, launched } = await startAll(launch, names, vars, options);
  const site = await serveHostSite(pages(relay.url));
  const browsers = new Map<BrowserName, TestBrowser>(launched.map((browser) => [browser.name, browser]));
  let open: TestPage[] = [];
  return {
    relay,
    site,
    open: async (name, url, pageOptions) => {
      const browser = browsers.get(name);
      if (!browser) throw new Error(`${name} was not asked for`);
      const page = await browser.newPage(pageOptions);
      open.push(page);
      await page.goto(url);
      return page;
    },
    clear: async () => {
      const closing = open;
      open = [];
      await Promise.all(closing.map((page) => page.close()));
    },
    close: async () => {
      await Promise.all([...browsers.values()].map((browser) => browser.close()));
      await site.close();
      await relay.stop();
    },
  };
}

/** All at once, for most of a start is waiting; where one cannot be started, the others are ended. */
async function startAll(
  launch: Launch,
  names: readonly BrowserName[],
  vars: Readonly<Record<string, string>>,
  options: LaunchOptions,
): Promise<{ readonly relay: RelayProcess; readonly launched: readonly TestBrowser[] }> {
  const starting = startRelayProcess({ assets: DIST, vars });
  const launching = names.map((name) => launch(name, options));
  try {
    return { relay: await starting, launched: await Promise.all(launching) };
  } catch (error) {
    const [relay, ...browsers] = await Promise.allSettled([starting, ...launching] as const);
    if (relay.status === 'fulfilled') await relay.value.stop();
    for (const browser of browsers) if (browser.status === 'fulfilled') await browser.value.close();
    throw error;
  }
}
