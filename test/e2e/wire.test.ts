/** What the relay, and everybody on the way to it, could have read: taken from the wire of a real call. */
import { strict as assert } from 'node:assert';
import { after, before, describe, it } from 'node:test';
import { borrowBrowser } from '../helpers/browser-pool.ts';
import type { TestBrowser } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage, seesVideo } from '../helpers/call.ts';
import { serveHostSite } from '../helpers/host-page.ts';
import type { HostSite } from '../helpers/host-page.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';
import { startWireTap } from '../helpers/wire-tap.ts';
import type { WireTap } from '../helpers/wire-tap.ts';

const NAME = 'Ada Lovelace-Wiretest';
/**
 * What would give away an SDP, a candidate, a name or a key, in plain or behind one layer of base64url. None is so short
 * that ciphertext could hold it by chance.
 */
const GIVEAWAYS = [
  NAME,
  'Lovelace',
  'm=audio',
  'm=video',
  'a=rtpmap',
  'a=group',
  'o=mozilla',
  'candidate',
  'fingerprint',
  'sha-256',
  'ice-ufrag',
  'ice-pwd',
  'typ host',
  '127.0.0.1',
  '"sdp"',
  '"type"',
  'presence',
  'publications',
  'microphone',
];

/** EN1, EN3, HS9: version and kind, a sealed handshake header or none, the ratchet's own 85 bytes, its ML-KEM parts, a bucket. */
const PAYLOAD_SIZES = new Set(
  [512, 2048, 8192, 32768].flatMap((bucket) =>
    [0, 1320 + 28].flatMap((header) => [0, 1184, 1088, 1184 + 1088].map((kem) => 2 + header + 85 + kem + bucket)),
  ),
);

describe('the wire between pages and relay', () => {
  let stage: Stage;
  let tap: WireTap;
  let site: HostSite;
  let browser: TestBrowser;
  before(async () => {
    stage = await setStage(() => ({}), []);
    tap = await startWireTap(stage.relay.port);
    site = await serveHostSite({ '/': { html: roomPage(tap.url, `display-name="${NAME}"`) } });
    browser = await borrowBrowser('chromium', SMALL_PICTURES);
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    await tap?.close();
    await stage?.close();
  });

  it('carries no SDP, candidate, name or key: sealed payloads in padded sizes and ids, nothing else', async () => {
    const first = await browser.newPage();
    await first.goto(`${site.url}/`);
    await joinByClick(first);
    const link = await inviteOf(first);
    const second = await browser.newPage();
    await second.goto(link);
    await joinByClick(second);
    await Promise.all([seesVideo(first, 1), seesVideo(second, 1)]);

    const texts = tap.texts();
    const payloads = texts.flatMap((text) => /"payload":"([^"]+)"/.exec(text)?.[1] ?? []);
    // The tap did see the call: offer, answer and candidates went through it, in and out.
    assert.ok(payloads.length >= 6, `${payloads.length} sealed bodies`);
    const opened = payloads.map((payload) => Buffer.from(payload, 'base64url').toString('latin1'));
    const secret = new URL(link).hash.split('=')[1] ?? '';
    assert.ok(secret.length >= 43);
    const secretBytes = Buffer.from(secret, 'base64url').subarray(0, 32);
    const everything = [...texts, ...opened, tap.handshakes()];
    const lower = everything.map((text) => text.toLowerCase());
    for (const word of GIVEAWAYS) {
      const found = lower.findIndex((text, i) => text.includes(word.toLowerCase()) && !isHandshake(everything[i]));
      assert.equal(found, -1, `"${word}" was on the wire`);
    }
    for (const text of everything) {
      assert.ok(!text.includes(secret) && !text.includes(secret.slice(0, 43)), "the room's secret was on the wire");
      assert.ok(!text.includes(secretBytes.toString('latin1')), "the room's secret was on the wire, in bytes");
      assert.ok(!text.includes(secretBytes.toString('hex')), "the room's secret was on the wire, in hex");
    }
    const kinds = new Set<number | undefined>();
    for (const payload of payloads) {
      const bytes = Buffer.from(payload, 'base64url');
      assert.ok(PAYLOAD_SIZES.has(bytes.length), `${bytes.length} bytes is no padded size`);
      assert.equal(bytes[0], 1);
      kinds.add(bytes[1]);
    }
    assert.deepEqual([...kinds].toSorted(), [1, 2], 'a handshake, and messages of its session');
  });

  it('names the room in no URL and no log: the address of the socket is constant', async () => {
    const requests = tap.handshakes().match(/^GET \S+/gm) ?? [];
    const sockets = requests.filter((line) => !/\.(js|css|html|svg|json|map)$/.test(line));
    assert.ok(sockets.length >= 2);
    for (const line of sockets) assert.ok(['GET /relay', 'GET /', 'GET /favicon.ico'].includes(line), line);
    const roomId = tap.texts().flatMap((text) => /"room_id":"(0x[0-9a-f]{64})"/.exec(text)?.[1] ?? [])[0];
    assert.ok(roomId);
    assert.ok(!stage.relay.output().includes(roomId.slice(2)), 'the room id is in the output of the relay');
  });
});

/** Handshakes name the host and the origin, which here are both this machine; their headers are looked at for secrets only. */
function isHandshake(text: string | undefined): boolean {
  return text?.includes('HTTP/1.1') ?? false;
}
