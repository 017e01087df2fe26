/** The demo's pages: one frame for all of them, and what is built is whole, plain HTML that the site's policy lets work. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FRAME_FOLDER, framePage } from '../../scripts/lib/demo-pages-plugin.mjs';
import { ROOT } from './tools.ts';

const DEMO = join(ROOT, 'demo');
const pages = readdirSync(DEMO).filter((name) => name.endsWith('.html'));
const source = (name: string): string => readFileSync(join(DEMO, name), 'utf8');
const built = (name: string): string => framePage(source(name), join(DEMO, name));
const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

describe('demo pages', () => {
  it('are all in the navigation, and nothing else is', () => {
    const links = [...source(`${FRAME_FOLDER}/top.html`).matchAll(/href="\.\/([^"]*)"/g)].map(([, to]) => to);
    assert.ok(pages.length > 3);
    assert.deepEqual(links.map((to) => to || 'index.html').sort(), [...pages].sort());
  });

  for (const name of pages) {
    it(`${name}: has the frame once, and nothing of it of its own`, () => {
      const html = built(name);
      assert.equal(count(html, /<!-- *frame/g), 0, 'a place without its part');
      for (const tag of ['meta charset', 'header class="top"', 'nav', 'main', 'footer class="bottom"', 'h1', 'title']) {
        const most = tag === 'h1' && name === 'index.html' ? 2 : 1;
        assert.equal(count(html, new RegExp(`<${tag}[ >=]`, 'g')), most, tag);
      }
      for (const tag of ['header', 'nav', 'footer'])
        assert.equal(count(source(name), new RegExp(`<${tag}\\b`, 'g')), 0);
    });

    it(`${name}: says which page it is, without a way to itself`, () => {
      const [, nav = ''] = /<nav[^>]*>(.*?)<\/nav>/s.exec(built(name)) ?? [];
      assert.equal(count(nav, /<a aria-current="page">/g), 1);
      assert.equal(count(nav, /<a href=/g), pages.length - 1);
      assert.ok(!nav.includes(`href="./${name === 'index.html' ? '' : name}"`));
    });

    it(`${name}: keeps to the policy: no script or style in it`, () => {
      const html = built(name);
      assert.equal(count(html, /<style\b|\sstyle=|\son[a-z]+=/g), 0);
      assert.equal(count(html, /<script\b/g), count(html, /<script type="module" src="[^"]+"><\/script>/g));
      assert.equal(count(html, /<[^>]*\s(?:src|href)="(?:https?:)?\/\//g), 0);
    });
  }

  it('keeps the indentation of the place', () => {
    const html = framePage('<body>\n    <!-- frame/bottom.html -->\n</body>\n', join(DEMO, 'x.html'));
    assert.match(html, /^<body>\n {4}<footer class="bottom">\n {6}<p>/);
    assert.match(html, /\n {4}<\/footer>\n<\/body>\n$/);
  });

  it('does not build a page whose part is not there', () => {
    assert.throws(() => framePage('<!-- frame/nowhere.html -->', join(DEMO, 'x.html')), /nowhere/);
  });
});
