/** MB from the client's side: two devices, one of them away, and the real relay on the platform's runtime; and relays that lie. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OwnMailbox, PeerMailbox, createMailboxSeed } from '../../src/engine/mailbox.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { TaiError } from '../../src/engine/protocol/errors.ts';
import type { ErrorCode } from '../../src/engine/protocol/errors.ts';
import { MAIL_BLOBS_MAX } from '../../src/engine/protocol/mailbox.ts';
import { createPrivateRoom } from '../../src/engine/room-address.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';

const text = (value: string): Bytes => new TextEncoder().encode(value);
const room = createPrivateRoom();

async function fails(call: Promise<unknown>, code: ErrorCode, words = /^(relay|body|box|seed|id): /): Promise<void> {
  const error = await call.then(
    () => assert.fail(`did not fail with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TaiError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, words);
}

describe('a mailbox at a relay that has them', () => {
  let relay: RelayProcess;

  before(async () => {
    relay = await startRelayProcess({ runtime: 'workerd', isStored: true, vars: { MAILBOX: 'on' } });
  });

  after(async () => {
    await relay.stop();
  });

  it('brings what was said to somebody who was away, once, until it is acknowledged', async () => {
    const seed = createMailboxSeed();
    const { box } = await OwnMailbox.open({ relay: relay.url, room, seed });
    const bob = await PeerMailbox.open({ relay: relay.url, room, box });
    const id = toBase64Url(new Uint8Array(16).fill(3));
    await bob.put(text('call me'), { id });
    await bob.put(new Uint8Array(30_000).fill(1), { ttlS: 3600 });

    // Ada is back, in another page.
    const ada = await OwnMailbox.open({ relay: relay.url, room, seed });
    assert.equal(ada.box, box);
    const { mail, refused } = await ada.take();
    assert.deepEqual([mail.length, refused], [2, []]);
    assert.deepEqual([mail[0]?.id, mail[0]?.body], [id, text('call me')]);
    assert.equal(mail[1]?.body.length, 30_000);
    assert.equal((await ada.take()).mail.length, 2, 'it stays until then');
    await ada.ack(mail.map(({ receipt }) => receipt));
    assert.deepEqual(await ada.take(), { mail: [], refused: [] });

    // The answer was lost, and Bob puts it again: the same name tells that it is the same.
    await bob.put(text('call me'), { id });
    const again = await ada.take();
    assert.deepEqual([again.mail, again.refused.length], [[], 1]);
    await ada.ack(again.refused);
    assert.deepEqual(await ada.take(), { mail: [], refused: [] });
  });

  it('gives all that lies there, however many lists that takes', async () => {
    const ada = await OwnMailbox.open({ relay: relay.url, room, seed: createMailboxSeed() });
    const bob = await PeerMailbox.open({ relay: relay.url, room, box: ada.box });
    for (let n = 0; n < 9; n++) await bob.put(new Uint8Array(n % 2 === 0 ? 20_000 : 10).fill(n));
    const { mail } = await ada.take();
    assert.deepEqual(
      mail.map(({ body }) => body[0]),
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    await ada.deleteAll();
    assert.deepEqual(await ada.take(), { mail: [], refused: [] });
  });

  it('has its owner’s public keys for who wants to begin', async () => {
    const ada = await OwnMailbox.open({ relay: relay.url, room, seed: createMailboxSeed() });
    const bob = await PeerMailbox.open({ relay: relay.url, room, box: ada.box });
    assert.equal(await bob.fetchBundle(), undefined);
    await ada.publishBundle({ head: text('head'), oneTime: [text('one')] }, 3600);
    assert.deepEqual(await bob.fetchBundle(), { head: text('head'), oneTime: text('one') });
    assert.deepEqual(await bob.fetchBundle(), { head: text('head') });
  });

  it('says nothing to who has the name without the link, or the link without the name', async () => {
    const ada = await OwnMailbox.open({ relay: relay.url, room, seed: createMailboxSeed() });
    await ada.publishBundle({ head: text('head'), oneTime: [] });
    for (const stranger of [
      await PeerMailbox.open({ relay: relay.url, room: createPrivateRoom(), box: ada.box }),
      await PeerMailbox.open({ relay: relay.url, room, box: toBase64Url(new Uint8Array(32).fill(1)) }),
    ]) {
      assert.equal(await stranger.fetchBundle(), undefined);
      await stranger.put(text('hello'));
    }
    assert.deepEqual(await ada.take(), { mail: [], refused: [] });
  });

  it('corrects a clock that is wrong, as everywhere (AD5)', async () => {
    const now = (): number => Date.now() - 3_600_000;
    const ada = await OwnMailbox.open({ relay: relay.url, room, seed: createMailboxSeed(), now });
    assert.deepEqual(await ada.take(), { mail: [], refused: [] });
  });

  it('is refused by name where something is wrong with the call', async () => {
    const seed = createMailboxSeed();
    await fails(OwnMailbox.open({ relay: relay.url, room, seed: seed.slice(1) }), 'usage');
    await fails(OwnMailbox.open({ relay: 'http://relay.example', room, seed }), 'usage');
    await fails(PeerMailbox.open({ relay: relay.url, room, box: 'x' }), 'usage');
    const { box } = await OwnMailbox.open({ relay: relay.url, room, seed });
    const bob = await PeerMailbox.open({ relay: relay.url, room, box });
    await fails(bob.put(text('x'), { id: 'x' }), 'usage');
    await fails(bob.put(new Uint8Array(40_000)), 'too-large');
    await fails(bob.put(text('x'), { ttlS: 100_000 }), 'relay-refused', /^relay: invalid-params$/);
    await fails(bob.put(text('x'), { signal: AbortSignal.abort() }), 'relay-unreachable', /^relay: given up$/);
  });
});

describe('a mailbox at a relay', () => {
  it('MB9: that has none is refused', async () => {
    const relay = await startRelayProcess({ runtime: 'workerd' });
    try {
      const ada = await OwnMailbox.open({ relay: relay.url, room, seed: createMailboxSeed() });
      await fails(ada.take(), 'relay-refused', /^relay: mailbox-off$/);
    } finally {
      await relay.stop();
    }
  });

  /** A relay that answers every call with this. */
  function lying(result: unknown): typeof globalThis.fetch {
    return async () => Response.json({ jsonrpc: '2.0', id: 1, result });
  }

  it('that brings what is none of it gets it refused, or is no relay at all', async () => {
    const seed = createMailboxSeed();
    const relay = 'https://relay.example';
    const junk = { id: toBase64Url(new Uint8Array(16)), blob: toBase64Url(new Uint8Array(540)) };
    const ada = await OwnMailbox.open({ relay, room, seed, fetch: lying({ blobs: [junk], has_more: false }) });
    assert.deepEqual(await ada.take(), { mail: [], refused: [junk.id] });
    for (const result of [{}, { blobs: [{}], has_more: false }, 7]) {
      const own = await OwnMailbox.open({ relay, room, seed, fetch: lying(result) });
      await fails(own.take(), 'relay-unreachable', /an answer that is none/);
    }
    const bob = await PeerMailbox.open({ relay, room, box: ada.box, fetch: lying({ head: 'AQID', one_time: 'AQID' }) });
    assert.equal(await bob.fetchBundle(), undefined);
    const other = await PeerMailbox.open({ relay, room, box: ada.box, fetch: lying({ head: 7 }) });
    await fails(other.fetchBundle(), 'relay-unreachable', /an answer that is none/);
  });

  it('that says there is more without end is not asked without end', async () => {
    const junk = { id: toBase64Url(new Uint8Array(16)), blob: toBase64Url(new Uint8Array(540)) };
    let asked = 0;
    const endless: typeof globalThis.fetch = async () => {
      asked++;
      return Response.json({ jsonrpc: '2.0', id: 1, result: { blobs: [junk], has_more: true } });
    };
    const options = { relay: 'https://relay.example', room, seed: createMailboxSeed(), fetch: endless };
    const ada = await OwnMailbox.open(options);
    assert.equal((await ada.take()).refused.length, MAIL_BLOBS_MAX);
    assert.equal(asked, MAIL_BLOBS_MAX);
  });
});
