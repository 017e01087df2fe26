/** The demo as the relay serves it: axe finds nothing, and nothing has to be scrolled sideways; light and dark, wide and narrow. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, afterEach, before, describe, it } from 'node:test';
import { compileFunction } from 'node:vm';
import type axeCore from 'axe-core';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import type { TestPage } from '../helpers/browsers.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

const INVITE = `#tai=${Buffer.alloc(64, 7).toString('base64url')}`;
const PATHS = ['/', `/${INVITE}`, '/elements.html', '/two-rooms.html', '/verify.html', '/private.html'] as const;
const SIZES = [
  { width: 1280, height: 800 },
  { width: 320, height: 640 },
] as const;
const SCHEMES = ['light', 'dark'] as const;

/** The pages' policy lets no script in: as the body of a function it comes in as everything does that a test evaluates. */
const provideAxe = compileFunction(
  readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'),
) as () => void;

type Findings = { readonly violations: readonly string[]; readonly checks: number; readonly widths: readonly number[] };

/** Runs in the page. */
async function examine(scheme: string): Promise<Findings> {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:root { color-scheme: ${scheme} !important }`);
  document.adoptedStyleSheets = [sheet];
  await new Promise((resolve) => requestAnimationFrame(resolve));
  const roots: (Document | ShadowRoot)[] = [document];
  for (const root of roots) {
    for (const { shadowRoot } of root.querySelectorAll('*')) if (shadowRoot) roots.push(shadowRoot);
    // what fades in, or from one scheme into the other, has half its contrast half way
    for (const animation of root.getAnimations()) {
      if (Number.isFinite(animation.effect?.getComputedTiming().endTime)) animation.finish();
    }
  }
  const { axe } = globalThis as unknown as { axe: typeof axeCore };
  const { violations, passes } = await axe.run(document);
  return {
    violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`),
    checks: passes.length,
    widths: [innerWidth, document.documentElement.scrollWidth - document.documentElement.clientWidth],
  };
}

function hasRooms(): boolean {
  const rooms = [...document.querySelectorAll('tai-room')];
  return rooms.length > 0 && rooms.every((room) => room.matches(':state(lobby)'));
}

describe('the demo', () => {
  let stage: Stage;
  before(async () => {
    stage = await setStage(() => ({}), BROWSER_NAMES, {}, SMALL_PICTURES);
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  for (const name of BROWSER_NAMES) {
    for (const path of PATHS) {
      it(`${name}: ${path.replace(INVITE, '#tai=…')} is accessible, and fits`, async () => {
        const page: TestPage = await stage.open(name, stage.relay.url + path, SIZES[0]);
        // the rest of the script is loaded once a room is near the viewport
        await page.evaluate(() => document.querySelector('tai-room')?.scrollIntoView());
        await page.until('its rooms', hasRooms);
        await page.evaluate(provideAxe);
        for (const [i, size] of SIZES.entries()) {
          await page.resize(size);
          await page.until('its new width', (width) => innerWidth === width, size.width);
          // names, roles and colours are the same in every browser: all of both in one, each once in the other
          for (const scheme of name === 'chromium' ? SCHEMES : SCHEMES.slice(i, i + 1)) {
            const { violations, checks, widths } = await page.evaluate(examine, scheme);
            const where = `${size.width} px, ${scheme}`;
            assert.deepEqual(violations, [], where);
            assert.ok(checks > 10, `axe looked at too little: ${where}`);
            assert.deepEqual(widths, [size.width, 0], `wider than the page: ${where}`);
          }
        }
        assert.deepEqual(page.errors(), []);
      });
    }
  }
});
