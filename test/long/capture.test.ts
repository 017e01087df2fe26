/**
 * What leaves a page, at three places: out of the seal, into SRTP, and on the wire. What went into the seal is known, byte by
 * byte, and is looked for in each; so is, as the proof that looking finds, what is there.
 *
 * - Out of the seal, and before SRTP (Chromium's own dump of its packets, where DTLS-SRTP protects nothing yet): this is what shows
 *   that frames are sealed. Whoever ends the transport, an SFU, has these packets.
 * - On the wire: SRTP alone hides the payload there. That neither the frames nor their sealed form are in it shows that
 *   the packets are under SRTP too, and that nothing goes beside it.
 */
import { strict as assert } from 'node:assert';
import { after, before, describe, it } from 'node:test';
import { launchBrowser } from '../helpers/browsers.ts';
import type { TestBrowser } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage, seesVideo } from '../helpers/call.ts';
import { serveHostSite } from '../helpers/host-page.ts';
import type { HostSite } from '../helpers/host-page.ts';
import { eventually } from '../helpers/eventually.ts';
import { captureLoopback, sendOnLoopback } from '../helpers/loopback.ts';
import type { Capture } from '../helpers/loopback.ts';
import { patternScript } from '../helpers/pattern.ts';
import { makeRtpDump } from '../helpers/rtp-dump.ts';
import { withScripts } from '../helpers/sealed-call.ts';
import { spiedFrames, spyScript } from '../helpers/spy.ts';
import { setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';

/** So many bytes in a row are nowhere by chance. More than the clear bytes that VP8 needs (10). */
const WINDOW_BYTES = 16;
/** Fewer different bytes are no giveaway: padding is full of them. */
const DIFFERENT_MIN = 6;
/** Sound and pictures together: some seconds. */
const FRAMES = 300;
const RTP_HEADER_BYTES = 12;
/** Any one of them will do: the kernel may have dropped some. */
const LAST_PACKETS = 20;

/** In the clear, also under SRTP. */
function headerOf(packet: Buffer): string {
  return packet.subarray(0, RTP_HEADER_BYTES).toString('latin1');
}

/** Every window of the frames. */
function windowsOf(frames: readonly Buffer[]): ReadonlySet<string> {
  const windows = new Set<string>();
  for (const frame of frames) {
    for (let at = 0; at + WINDOW_BYTES <= frame.length; at++) {
      const window = frame.subarray(at, at + WINDOW_BYTES);
      if (new Set(window).size >= DIFFERENT_MIN) windows.add(window.toString('latin1'));
    }
  }
  return windows;
}

/** How many of the pieces hold one of the windows. */
function holding(pieces: readonly Buffer[], windows: ReadonlySet<string>): number {
  return pieces.filter((piece) => {
    const text = piece.toString('latin1');
    for (let at = 0; at + WINDOW_BYTES <= text.length; at++) {
      if (windows.has(text.slice(at, at + WINDOW_BYTES))) return true;
    }
    return false;
  }).length;
}

describe('what leaves a page', () => {
  const dump = makeRtpDump();
  let stage: Stage;
  let site: HostSite;
  let browser: TestBrowser;
  let capture: Capture | undefined;
  /** What went into the seal of the first page, what came out, and what Chromium then gave to SRTP. */
  let given: readonly Buffer[] = [];
  let sealed: readonly Buffer[] = [];
  let packets: readonly Buffer[] = [];
  let datagrams: readonly Buffer[] = [];

  before(async () => {
    stage = await setStage(() => ({}), []);
    const html = withScripts(roomPage(stage.relay.url), spyScript(), patternScript('video/VP8'));
    site = await serveHostSite({ '/': { html } });
    browser = await launchBrowser('chromium', dump);
    capture = await captureLoopback();
    const pages = [await browser.newPage(), await browser.newPage()] as const;
    await pages[0].goto(`${site.url}/`);
    await joinByClick(pages[0]);
    await pages[1].goto(await inviteOf(pages[0]));
    await joinByClick(pages[1]);
    await Promise.all(pages.map((page) => seesVideo(page, 1)));
    // of both: what one receives goes over the same wire
    const spied = (await Promise.all(pages.map((page) => spiedFrames(page, FRAMES)))).flat();
    const bytesOf = (way: 'in' | 'out'): readonly Buffer[] =>
      spied.filter((each) => each.way === way).map(({ bytes }) => Buffer.from(bytes, 'base64'));
    [given, sealed] = [bytesOf('in'), bytesOf('out')];
    packets = dump.sent();
    const { datagrams: seen = () => [] } = capture ?? {};
    // The capture is a process of its own, behind the call on a busy machine: it has caught up once it has the last packets of the dump.
    const last = new Set(packets.slice(-LAST_PACKETS).map((packet) => headerOf(packet)));
    if (capture && last.size > 0) {
      await eventually('the capture has caught up', () => seen().some((datagram) => last.has(headerOf(datagram))));
    }
    datagrams = [...seen()];
  });
  after(async () => {
    await browser?.close();
    await site?.close();
    await capture?.stop();
    await stage?.close();
    dump.remove();
  });

  it('out of the seal: no 16 bytes of any frame that went in', () => {
    const windows = windowsOf(given);
    assert.ok(given.length >= FRAMES && windows.size > 10_000, `${given.length} frames, ${windows.size} windows`);
    assert.ok(holding(given, windows) > 100, 'they are found where they are');
    assert.equal(holding(sealed, windows), 0);
  });

  it('into SRTP: the sealed frames, and no 16 bytes of what was sealed', (test) => {
    if (packets.length === 0) return test.skip('this Chromium does not dump its packets');
    const sent = holding(packets, windowsOf(sealed));
    assert.ok(sent > FRAMES, `${sent} of ${packets.length} packets hold what came out of the seal`);
    assert.equal(holding(packets, windowsOf(given)), 0);
  });

  it('on the wire: neither', async (test) => {
    if (!capture) return test.skip('raw sockets are for root, and for Python');
    const inPlain = new Set(packets.map((packet) => headerOf(packet)));
    const media = datagrams.filter((each) => each.length > RTP_HEADER_BYTES && each.readUInt8(0) >> 6 === 2);
    assert.ok(media.length > FRAMES, `${media.length} of ${datagrams.length} packets are of the call`);
    const same = media.filter((datagram) => inPlain.has(headerOf(datagram)));
    if (packets.length > 0) assert.ok(same.length > FRAMES, `${same.length} of them are those that were dumped`);
    const both = windowsOf([...given, ...sealed]);
    assert.equal(holding(datagrams, both), 0);
    const frame = given.find(({ length }) => length > 100);
    assert.ok(frame);
    await sendOnLoopback(frame);
    const { datagrams: seen } = capture;
    await eventually(
      'a frame that is sent as it is, is found',
      () => holding(seen().slice(datagrams.length), both) > 0,
    );
  });
});
