/** RL15 against real browsers: what our parser takes, `new RTCPeerConnection` takes; one bad entry would end every link. */
import { strict as assert } from 'node:assert';
import { after, before, describe, it } from 'node:test';
import { parseIceServer } from '../../src/engine/protocol/relay.ts';
import type { IceServer } from '../../src/engine/protocol/relay.ts';
import { borrowBrowser } from '../helpers/browser-pool.ts';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import type { BrowserName, TestBrowser, TestPage } from '../helpers/browsers.ts';
import { GOOD_ICE_URLS, LOGIN, THROWING_ICE_URLS } from '../helpers/ice-samples.ts';

const URLS_A_SERVER = 16;
const PORT_MAX = 65_535;
/** Above this no port is special; a few are tried all the same. */
const PORTS_TRIED_EACH = 11_000;
const PORT_STEP = 997;

/** Entries that some browser throws for, other than for their URL. */
const THROWING_LOGINS: readonly unknown[] = [
  { urls: 'turn:a' },
  { urls: 'turn:a', username: 'u' },
  { urls: 'turn:a', credential: 'c' },
  { urls: 'turn:a', username: '', credential: 'c' },
  { urls: 'turn:a', username: 'u', credential: '' },
  { urls: 'turn:a', username: 'u'.repeat(510), credential: 'c' },
  { urls: 'turn:a', username: '€'.repeat(170), credential: 'c' },
  { urls: ['stun:a', 'turn:b'] },
];

/** Which of the entries a browser refuses: the index and what was thrown. */
async function refusedBy(page: TestPage, entries: readonly unknown[]): Promise<Map<number, string>> {
  const refused = await page.evaluate((servers: readonly unknown[]) => {
    const list: [number, string][] = [];
    for (const [index, server] of servers.entries()) {
      try {
        new RTCPeerConnection({ iceServers: [server as RTCIceServer] }).close();
      } catch (error) {
        list.push([index, String(error)]);
      }
    }
    return list;
  }, entries);
  return new Map(refused);
}

function taken(entries: readonly unknown[]): IceServer[] {
  return entries.map((entry) => {
    const server = parseIceServer(entry);
    assert.ok(server, JSON.stringify(entry));
    return server;
  });
}

describe('RL15: an ICE server', () => {
  const browsers = new Map<BrowserName, TestBrowser>();
  const pages: TestPage[] = [];
  before(async () => {
    for (const name of BROWSER_NAMES) {
      const browser = await borrowBrowser(name);
      browsers.set(name, browser);
      pages.push(await browser.newPage());
    }
  });
  after(async () => {
    for (const browser of browsers.values()) await browser.close();
  });

  it('that our parser takes is taken by every browser', async () => {
    const chunks: string[][] = [];
    for (let at = 0; at < GOOD_ICE_URLS.length; at += URLS_A_SERVER) {
      chunks.push(GOOD_ICE_URLS.slice(at, at + URLS_A_SERVER));
    }
    const longest = { urls: 'turn:a', username: '€'.repeat(169) + 'uu', credential: 'c'.repeat(1024) };
    const odd = { urls: 'turn:a', username: '\u0000\n', credential: '\ud800' };
    const servers = taken([...chunks.map((urls) => ({ urls, ...LOGIN })), longest, odd]);
    for (const page of pages) assert.deepEqual(await refusedBy(page, servers), new Map(), page.browser);
  });

  it('with sixteen entries of sixteen URLs, as many as we take, is a configuration that every browser takes', async () => {
    const urls = GOOD_ICE_URLS.slice(0, URLS_A_SERVER);
    const servers = taken(Array.from({ length: 16 }, () => ({ urls, ...LOGIN })));
    for (const page of pages) {
      const made = await page.evaluate((iceServers) => {
        new RTCPeerConnection({ iceServers: iceServers as unknown as RTCIceServer[] }).close();
        return true;
      }, servers);
      assert.equal(made, true);
    }
  });

  it('on any port that our parser takes is taken by every browser', async () => {
    const ports: number[] = [];
    for (let port = 1; port <= PORT_MAX; port += port < PORTS_TRIED_EACH ? 1 : PORT_STEP) ports.push(port);
    const usable = [...ports, PORT_MAX].filter((port) => parseIceServer({ urls: `stun:a:${port}` }));
    assert.ok(usable.length > 10_900 && usable.length < ports.length);
    for (const page of pages) {
      const refused = await page.evaluate((list: readonly number[]) => {
        const connection = new RTCPeerConnection();
        const bad = list.filter((port) => {
          try {
            connection.setConfiguration({ iceServers: [{ urls: `stun:a:${port}` }] });
            return false;
          } catch {
            return true;
          }
        });
        connection.close();
        return bad;
      }, usable);
      assert.deepEqual(refused, [], page.browser);
    }
  });

  it('that a browser throws for is refused by our parser', async () => {
    const entries = [...THROWING_ICE_URLS.map((urls) => ({ urls, ...LOGIN })), ...THROWING_LOGINS];
    const refusals = await Promise.all(pages.map((page) => refusedBy(page, entries)));
    for (const [index, entry] of entries.entries()) {
      const text = JSON.stringify(entry);
      assert.ok(
        refusals.some((refused) => refused.has(index)),
        `nobody minds ${text}`,
      );
      assert.equal(parseIceServer(entry), undefined, text);
    }
  });
});
