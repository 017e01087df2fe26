/**
 * Browsers that several tests of one process use one after another: a Firefox takes five seconds to start, and as long of two processors.
 * Every page is in a profile of its own all the same (`newPage`), so that nothing of one test is there in the next.
 */
import { after } from 'node:test';
import { launchBrowser } from './browsers.ts';
import type { BrowserName, LaunchOptions, TestBrowser, TestPage } from './browsers.ts';

const launched = new Map<string, Promise<TestBrowser>>();

// of the whole process, whoever asks first
after(async () => {
  const all = await Promise.allSettled(launched.values());
  launched.clear();
  await Promise.all(all.map((each) => (each.status === 'fulfilled' ? each.value.close() : undefined)));
});

/** One that runs with these options, started where there is none yet. `close` closes the pages that were opened through it. */
export async function borrowBrowser(name: BrowserName, options: LaunchOptions = {}): Promise<TestBrowser> {
  // of a page, not of the browser
  const { cameraSize, ...running } = options;
  const key = JSON.stringify([name, running]);
  const starting = launched.get(key) ?? launchBrowser(name, running);
  launched.set(key, starting);
  let browser: TestBrowser;
  try {
    browser = await starting;
  } catch (error) {
    launched.delete(key);
    throw error;
  }
  const pages = new Set<TestPage>();
  return {
    name,
    newPage: async (page = {}) => {
      const opened = await browser.newPage({ ...(cameraSize && { cameraSize }), ...page });
      const kept: TestPage = {
        ...opened,
        close: async () => {
          pages.delete(kept);
          await opened.close();
        },
      };
      pages.add(kept);
      return kept;
    },
    close: async () => void (await Promise.all([...pages].map((page) => page.close()))),
    kill: () => {
      throw new Error('a browser that others use is not killed: launch one');
    },
  };
}
