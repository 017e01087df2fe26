/** The first script of the drop-in: what makes it load the rest, what does not, and that it fits into strict pages. */
import { strict as assert } from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import { ROOT, ensureBuilt } from '../delivery/tools.ts';
import { borrowBrowser } from '../helpers/browser-pool.ts';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import type { TestBrowser, TestPage } from '../helpers/browsers.ts';
import { serveHostSite } from '../helpers/host-page.ts';
import type { HostPage, HostSite } from '../helpers/host-page.ts';
import { SMALL_PICTURES } from '../helpers/stage.ts';

/** Higher than any near viewport: an element after it is far away. */
const FAR = '<div class="far"></div>';
/** What a page has that includes the script; the style stands in a file, as a strict policy wants it. */
const head = (script: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>
<link rel="stylesheet" href="/page.css"><script type="module" src="${script}"></script></head>`;

function published(): Readonly<Record<string, HostPage>> {
  const headers = { 'content-type': 'text/javascript', 'access-control-allow-origin': '*' };
  const paths = ['tai.js', 'tai.single.js', 'sri.json'];
  const chunks = readdirSync(`${ROOT}dist/chunks`).map((name) => `chunks/${name}`);
  const read = (path: string): HostPage => ({ html: readFileSync(`${ROOT}dist/${path}`, 'utf8'), headers });
  return Object.fromEntries([...paths, ...chunks].map((path) => [`/${path}`, read(path)]));
}

function pages(origin: string): Readonly<Record<string, HostPage>> {
  const script = `${origin}/tai.js`;
  const { 'tai.single.js': hash } = JSON.parse(readFileSync(`${ROOT}dist/sri.json`, 'utf8')) as Record<string, string>;
  const single = (integrity: string): string =>
    `<!doctype html><html lang="en"><head><title>t</title>
<script type="module" crossorigin integrity="${integrity}" src="${origin}/tai.single.js"></script></head>`;
  const policy = [
    `default-src 'none'; script-src ${origin}; style-src 'self'; img-src 'self'; connect-src ${origin.replace('http', 'ws')}`,
    "worker-src blob:; require-trusted-types-for 'script'; trusted-types lit-html tai-room",
  ];
  const html = (text: string): HostPage => ({ html: text });
  return {
    '/page.css': {
      html: '.far { block-size: 9000px } .hidden { display: none } .hides :not(:defined) { display: none }',
      headers: { 'content-type': 'text/css' },
    },
    '/near': html(`${head(script)}<body><tai-room></tai-room></body></html>`),
    '/far': html(`${head(script)}<body>${FAR}<tai-room></tai-room></body></html>`),
    '/auto-join': html(`${head(script)}<body>${FAR}<tai-invite auto-join></tai-invite></body></html>`),
    '/empty': html(`${head(script)}<body><p>none yet</p>${FAR}</body></html>`),
    '/hides': html(`${head(script)}<body class="hides"><tai-invite></tai-invite></body></html>`),
    '/twice': {
      html: `${head(script)}<body><script type="module" src="${origin}/tai.single.js"></script><tai-room></tai-room></body></html>`,
      headers: { 'content-security-policy': policy.join('; ') },
    },
    '/strict': {
      html: `${head(script)}<body><tai-room></tai-room></body></html>`,
      headers: { 'content-security-policy': policy.join('; ') },
    },
    '/single': html(`${single(hash ?? '')}<body><tai-room></tai-room></body></html>`),
    '/tampered': html(`${single(`sha384-${'A'.repeat(64)}`)}<body><tai-room></tai-room></body></html>`),
  };
}

const isDefined = (): boolean => customElements.get('tai-room') !== undefined;

/** Resolves when the script has had its turn: everything it waits for by itself has happened, in the order it asked. */
const settled = async (): Promise<void> => {
  if (document.readyState !== 'complete') {
    await new Promise((resolve) => addEventListener('load', resolve, { once: true }));
  }
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    await new Promise((resolve) => requestIdleCallback(resolve, { timeout: 4000 }));
  }
};

for (const name of BROWSER_NAMES) {
  describe(`the first script in ${name}`, () => {
    let browser: TestBrowser;
    let cdn: HostSite;
    let site: HostSite;
    let page: TestPage;
    before(async () => {
      await ensureBuilt();
      browser = await borrowBrowser(name, SMALL_PICTURES);
      cdn = await serveHostSite(published());
      site = await serveHostSite(pages(cdn.url));
    });
    after(async () => {
      await browser?.close();
      await cdn?.close();
      await site?.close();
    });
    afterEach(() => page.close());
    const open = async (path: string): Promise<void> => {
      page = await browser.newPage();
      await page.goto(`${site.url}${path}`);
    };
    const loads = (): Promise<unknown> => page.until('the elements are defined', isDefined);
    const staysAsleep = async (): Promise<void> => {
      await page.evaluate(settled);
      assert.equal(await page.evaluate(isDefined), false);
      const fetched = await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => entry.name));
      assert.deepEqual(
        fetched.filter((url) => url.includes('/chunks/')),
        [],
      );
    };

    it('loads the rest for an element in view', async () => {
      await open('/near');
      await loads();
      assert.deepEqual(page.errors(), []);
    });

    it('waits while the only element is far away, and loads when it comes near', async () => {
      await open('/far');
      await staysAsleep();
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
      await loads();
    });

    it('loads when a far element is touched by the pointer or takes the focus', async () => {
      for (const type of ['pointerover', 'focusin']) {
        await open('/far');
        await staysAsleep();
        await page.evaluate((event) => {
          const inner = document.querySelector('tai-room')?.appendChild(document.createElement('button'));
          inner?.dispatchEvent(new Event(event, { bubbles: true, composed: true }));
        }, type);
        await loads();
        if (type === 'pointerover') await page.close();
      }
    });

    it('loads for auto-join, at once or when it is set', async () => {
      await open('/auto-join');
      await loads();
      await page.close();
      await open('/far');
      await staysAsleep();
      await page.evaluate(() => document.querySelector('tai-room')?.toggleAttribute('auto-join'));
      await loads();
    });

    it('loads for an invitation in the address, at once or when it comes', async () => {
      await open('/far#tai=x');
      await loads();
      await page.close();
      await open('/far#tai.garden=x');
      await loads();
      await page.close();
      await open('/far#titan=1');
      await staysAsleep();
      await page.evaluate(() => (location.hash = '#a=1&tai=x'));
      await loads();
    });

    it('loads when load() is called, and only once', async () => {
      await open('/far');
      await staysAsleep();
      await page.evaluate(async (url) => {
        const { load } = (await import(url)) as { load(): Promise<void> };
        await Promise.all([load(), load()]);
        await load();
      }, `${cdn.url}/tai.js`);
      assert.equal(await page.evaluate(isDefined), true);
    });

    it('finds an element that is added later, in the page or in an open shadow root', async () => {
      for (const place of ['page', 'shadow']) {
        await open('/far');
        await staysAsleep();
        await page.evaluate((where) => {
          const host = document.createElement('div');
          const root = where === 'shadow' ? host.attachShadow({ mode: 'open' }) : host;
          document.body.prepend(host);
          // After the host was looked at: only an observer of its own root can tell.
          requestAnimationFrame(() => root.append(document.createElement('tai-invite')));
        }, place);
        await loads();
        if (place === 'page') await page.close();
      }
    });

    it('loads when idle where no element can be seen: none in reach, or all hidden until they are defined', async () => {
      await open('/empty');
      await loads();
      await page.close();
      await open('/hides');
      await loads();
    });

    it('included twice, by two different files and under a strict policy, defines everything once and reports nothing', async () => {
      await open('/twice');
      await loads();
      await page.evaluate(settled);
      assert.deepEqual(page.errors(), []);
    });

    it('works under a strict policy with Trusted Types', async () => {
      await open('/strict');
      await loads();
      await page.until(
        'the room has rendered',
        () => document.querySelector('tai-room')?.shadowRoot?.childElementCount,
      );
      assert.deepEqual(page.errors(), []);
    });

    it('the single file works pinned by its hash, and fetches nothing more', async () => {
      await open('/single');
      await loads();
      await page.evaluate(settled);
      const fetched = await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => entry.name));
      const scripts = fetched.filter((url) => url.endsWith('.js'));
      assert.deepEqual(scripts, [`${cdn.url}/tai.single.js`]);
      assert.deepEqual(page.errors(), []);
    });

    it('the single file with another hash is refused', async () => {
      await open('/tampered');
      await page.evaluate(settled);
      assert.equal(await page.evaluate(isDefined), false);
      assert.notDeepEqual(page.errors(), []);
    });
  });
}
