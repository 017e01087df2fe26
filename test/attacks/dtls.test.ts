/**
 * HS8: the media's certificates are those of the handshake. The room's real links over a fake WebRTC, which accepts what browsers
 * accept: any of the fingerprints that a description lists.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Ports } from '../../src/engine/ports.ts';
import type { PeerMessage } from '../../src/engine/protocol/peer.ts';
import { PeerLink } from '../../src/engine/transport/peer-link.ts';
import type { PeerLinkOptions } from '../../src/engine/transport/peer-link.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { Page, assertUnharmed, settle, until, untilWith } from '../session/page.ts';
import { FakeCertificate, FakeRtc, fakePeerConnection, fingerprintLine, sdpOf } from './fake-rtc.ts';
import type { FakeBrowser } from './fake-rtc.ts';
import { Puppet } from './puppet.ts';
import type { PuppetOptions } from './puppet.ts';

/** What an insider's own handshake names. */
const NAMED = new Uint8Array(32).fill(0x66);
const OTHER = new Uint8Array(32).fill(0x67);

let rtc: FakeRtc;
let pages: Page[];

beforeEach(() => {
  rtc = new FakeRtc();
  pages = [];
  // Node has none: nothing is replaced
  Object.assign(globalThis, { RTCPeerConnection: fakePeerConnection(rtc) });
});

afterEach(() => {
  for (const page of pages) page.session.close();
  Reflect.deleteProperty(globalThis, 'RTCPeerConnection');
});

/** Ports with the room's own links, and a certificate that the fake WebRTC knows. */
function certified(certificate: FakeCertificate, browser: FakeBrowser = {}): Partial<Ports> {
  return {
    createDtlsIdentity: async () => ({
      certificate: certificate as unknown as RTCCertificate,
      fingerprint: certificate.fingerprint,
    }),
    openLink: (options: PeerLinkOptions) => {
      rtc.browser = browser;
      return new PeerLink(options);
    },
  };
}

async function join(relay: MemoryRelay, name: string, browser?: FakeBrowser): Promise<Page> {
  const page = new Page(relay, name, { instead: certified(new FakeCertificate(), browser) });
  pages.push(page);
  await page.join();
  return page;
}

async function call(relay: MemoryRelay): Promise<readonly [Page, Page]> {
  const [ada, bob] = [await join(relay, 'Ada'), await join(relay, 'Bob')];
  await settle([ada, bob]);
  return [ada, bob];
}

/** `page` has refused this peer for good; nothing that it described was acted on. */
async function assertRefused(page: Page, mallory: Puppet, accepted: number): Promise<void> {
  await until('refused', () => page.peer(mallory.id)?.encryption === 'wrong-key');
  assert.deepEqual(page.errors, [['wrong-key', mallory.id]]);
  assert.equal(acceptedInAll(), accepted);
  mallory.say(page.id, {
    type: 'presence',
    link: 1,
    seq: 1_000,
    presence: { name: 'again', publications: [] },
    isAsking: true,
  });
  await page.untilDropped('refused-peer');
  assert.match(page.session.exportAuditLog(), /wrong-key/);
}

function acceptedInAll(): number {
  return rtc.connections.reduce((sum, { accepted }) => sum + accepted.length, 0);
}

describe('Links between honest pages', () => {
  it('stand, and say everything over themselves', async () => {
    const relay = new MemoryRelay();
    const [ada, bob] = await call(relay);
    const before = relay.payloads.length;
    await assertUnharmed([ada, bob]);
    assert.equal(relay.payloads.length, before);
    assert.deepEqual([ada.errors, bob.errors], [[], []]);
  });

  it('stand in browsers that do not show the other’s certificate, too', async () => {
    const relay = new MemoryRelay();
    const firefox = { showsCertificates: false };
    const [ada, bob] = [await join(relay, 'Ada', firefox), await join(relay, 'Bob', firefox)];
    await settle([ada, bob]);
    assert.deepEqual([ada.errors, bob.errors], [[], []]);
  });
});

const LIES: readonly (readonly [string, readonly string[]])[] = [
  ['another fingerprint', [fingerprintLine(OTHER)]],
  ['a second fingerprint', [fingerprintLine(NAMED), fingerprintLine(OTHER)]],
  ['a second fingerprint, first', [fingerprintLine(OTHER), fingerprintLine(NAMED)]],
  ['the same under another hash', [fingerprintLine(NAMED, 'sha-512')]],
  ['another hash beside it', [fingerprintLine(NAMED), fingerprintLine(OTHER.slice(0, 20), 'sha-1')]],
  ['no fingerprint', []],
  ['half a fingerprint', [fingerprintLine(NAMED.slice(0, 16))]],
];

function saying(lines: readonly string[]): (_: unknown, message: PeerMessage) => PeerMessage {
  return (_, message) =>
    message.type === 'offer' || message.type === 'answer' ? { ...message, sdp: sdpOf(lines) } : message;
}

describe('An insider whose description is not of the certificate that his handshake has named', () => {
  it('is taken where it is: the control', async () => {
    const relay = new MemoryRelay();
    const [ada, bob] = await call(relay);
    const accepted = acceptedInAll();
    const mallory = new Puppet(relay, 'Mallory', { dtlsFingerprint: NAMED, lie: saying([fingerprintLine(NAMED)]) });
    await mallory.join();
    await untilWith([ada, bob], [], 'both act on it', () => acceptedInAll() === accepted + 2);
    assert.deepEqual([ada.errors, bob.errors], [[], []]);
  });

  for (const [what, lines] of LIES) {
    it(`is refused for good when he offers: ${what}`, async () => {
      const relay = new MemoryRelay();
      const [ada, bob] = await call(relay);
      const accepted = acceptedInAll();
      const mallory = new Puppet(relay, 'Mallory', { dtlsFingerprint: NAMED, lie: saying(lines) });
      await mallory.join();
      for (const page of [ada, bob]) await assertRefused(page, mallory, accepted);
      mallory.leave();
      await untilWith([ada, bob], ['gone:', 'roster-announce'], 'he is gone', () =>
        [ada, bob].every(({ view }) => view.participants.length === 1),
      );
      await assertUnharmed([ada, bob]);
    });

    it(`is refused for good when he answers: ${what}`, async () => {
      const relay = new MemoryRelay();
      const mallory = new Puppet(relay, 'Mallory', { dtlsFingerprint: NAMED, lie: saying(lines) });
      await mallory.join();
      const ada = await join(relay, 'Ada');
      await assertRefused(ada, mallory, 0);
    });
  }
});

describe('A certificate at the other end that is not the one that was named', () => {
  it('is refused by the browser: nothing stands', async () => {
    const relay = new MemoryRelay();
    const ada = await join(relay, 'Ada');
    const bob = await join(relay, 'Bob', { presents: new FakeCertificate() });
    await until('it fails', () => ada.peer(bob.id)?.link === 'failed');
    assert.notEqual(bob.peer(ada.id)?.link, 'connected');
  });

  it('is refused by us where a browser would not: for good, and told', async () => {
    const relay = new MemoryRelay();
    const ada = await join(relay, 'Ada', { isLenient: true });
    const bob = await join(relay, 'Bob', { presents: new FakeCertificate(), isLenient: true });
    await until('she refuses him', () => ada.peer(bob.id)?.encryption === 'wrong-key');
    assert.deepEqual(ada.errors, [['wrong-key', bob.id]]);
    // what Bob has seen of her is as it should be
    assert.deepEqual(
      bob.errors.filter(([code]) => code === 'wrong-key'),
      [],
    );
  });
});

describe('An insider who names the certificate of another', () => {
  function naming({ fingerprint }: FakeCertificate): PuppetOptions {
    return { dtlsFingerprint: fingerprint, lie: saying([fingerprintLine(fingerprint)]) };
  }

  async function assertOut(page: Page, mallory: Puppet): Promise<void> {
    await until('told', () => page.errors.some(([code, peerId]) => code === 'wrong-key' && peerId === mallory.id));
    assert.notEqual(page.peer(mallory.id)?.encryption, 'encrypted');
    assert.notEqual(page.peer(mallory.id)?.link, 'connected');
  }

  it('RFC 8844: is refused and told, as newcomer and as one who was there before; the other is not', async () => {
    const relay = new MemoryRelay();
    const certificate = new FakeCertificate();
    const bob = new Page(relay, 'Bob', { instead: certified(certificate) });
    pages.push(bob);
    await bob.join();
    // of the two who name it the first is believed: that is to be Bob, who has it
    const early = new Puppet(relay, 'Early', naming(certificate));
    relay.tampering = { onLetter: (letter, deliver) => void (letter.from !== early.id && deliver(letter)) };
    await early.join();
    const ada = await join(relay, 'Ada');
    await until('Ada and Bob have met', () => ada.peer(bob.id)?.link === 'connected');
    relay.tampering = {};
    early.rename('Here I am');
    await assertOut(ada, early);
    const late = new Puppet(relay, 'Late', naming(certificate));
    await late.join();
    await assertOut(ada, late);
    await assertOut(bob, late);
    assert.equal(await ada.dropped('copied-certificate'), 2);
    assert.equal(ada.peer(bob.id)?.encryption, 'encrypted');
  });

  it('RFC 8844: ours to ourselves is refused and told', async () => {
    const relay = new MemoryRelay();
    const certificate = new FakeCertificate();
    const ada = new Page(relay, 'Ada', { instead: certified(certificate) });
    pages.push(ada);
    await ada.join();
    const mirror = new Puppet(relay, 'Ada', naming(certificate));
    await mirror.join();
    await assertOut(ada, mirror);
  });
});

describe('A link', () => {
  /** One whose peer's handshake is known, or not. */
  function link(peerFingerprint: PeerLinkOptions['peerFingerprint'], told: string[]): PeerLink {
    const tell = (what: string) => (): void => void told.push(what);
    return new PeerLink({
      iceServers: [],
      tracks: {},
      cameraEncoding: {},
      certificate: new FakeCertificate() as unknown as RTCCertificate,
      guard: () => {},
      peerFingerprint,
      onWrongCertificate: tell('wrong certificate'),
      onMessage: tell('message'),
      onOfferMade: tell('offer made'),
      onOfferAccepted: tell('offer accepted'),
      onAnswerAccepted: tell('answer accepted'),
      onFailed: tell('failed'),
      onCandidates: tell('candidates'),
      onTransport: tell('transport'),
      onEndedByPeer: tell('ended'),
      onTrack: tell('track'),
      onDropped: tell('dropped'),
    });
  }

  it('acts on no description before the peer’s keys are known', async () => {
    const told: string[] = [];
    const early = link(() => undefined, told);
    early.acceptOffer(1, sdpOf([fingerprintLine(NAMED)]));
    early.acceptAnswer(1, sdpOf([fingerprintLine(NAMED)]));
    await until('both are refused', () => told.length === 2);
    assert.deepEqual(told, ['wrong certificate', 'wrong certificate']);
    assert.equal(acceptedInAll(), 0);
    early.close();
  });

  it('looks at each description anew: a good first one lets no bad second one in', async () => {
    const told: string[] = [];
    const made = link(() => NAMED, told);
    made.acceptOffer(1, sdpOf([fingerprintLine(NAMED)]));
    await until('the first is good', () => told.includes('offer accepted'));
    made.acceptOffer(2, sdpOf([fingerprintLine(OTHER)]));
    await until('the second is not', () => told.includes('wrong certificate'));
    assert.equal(acceptedInAll(), 1);
    made.close();
  });
});
