import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  BODY_MAX_BYTES,
  ENVELOPE_KIND_ROOM,
  ENVELOPE_VERSION,
  PADDING_BUCKETS_BYTES,
  openEnvelope,
  sealEnvelope,
} from '../../src/engine/crypto/envelope.ts';
import { asciiBytes, concatBytes, toHex, uintBytes } from '../../src/engine/protocol/bytes.ts';
import { idBytes } from '../../src/engine/protocol/ids.ts';
import { PAYLOAD_TEXT_MAX } from '../../src/engine/protocol/relay.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, ROOM, roomIdOf } from '../helpers/samples.ts';

const CONTEXT = { roomId: ROOM, from: ALICE, to: BOB };
const HEADER_BYTES = 22;
const TAG_BYTES = 16;

let key: CryptoKey;
let otherKey: CryptoKey;

function importKey(fill: number): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', new Uint8Array(32).fill(fill), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

async function seal(body: Uint8Array<ArrayBuffer>, id = 1): Promise<Uint8Array<ArrayBuffer>> {
  const sealed = await sealEnvelope(key, CONTEXT, id, body);
  assert.ok(sealed);
  return sealed;
}

/** An envelope whose padded plaintext is given as it is. */
async function sealRaw(padded: Uint8Array<ArrayBuffer>, header = headerOf(1)): Promise<Uint8Array<ArrayBuffer>> {
  const additionalData = concatBytes(asciiBytes('tai/1 envelope'), header, idBytes(ROOM), idBytes(ALICE), idBytes(BOB));
  const iv = header.slice(10, HEADER_BYTES);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, key, padded);
  return concatBytes(header, new Uint8Array(sealed));
}

function headerOf(id: number, version = ENVELOPE_VERSION, kind = ENVELOPE_KIND_ROOM): Uint8Array<ArrayBuffer> {
  return concatBytes(Uint8Array.of(version, kind), uintBytes(id, 8), new Uint8Array(12).fill(5));
}

before(async () => {
  [key, otherKey] = await Promise.all([importKey(1), importKey(2)]);
});

describe('an envelope', () => {
  it('opens to what was sealed, for lengths around the edge of every bucket', async () => {
    const random = new Random(21);
    const edges = PADDING_BUCKETS_BYTES.flatMap((bucket) => [
      bucket - 6,
      bucket - 5,
      bucket - 4,
      bucket - 3,
      bucket - 2,
    ]);
    for (const length of [0, 1, 2, ...edges].filter((bytes) => bytes <= BODY_MAX_BYTES)) {
      const body = random.bytes(length);
      const opened = await openEnvelope(key, CONTEXT, await seal(body, length + 1));
      assert.deepEqual(opened, { id: length + 1, body });
    }
  });

  it('tells no more of its length than the bucket', async () => {
    let shortest = 0;
    for (const bucket of PADDING_BUCKETS_BYTES) {
      const longest = bucket - 4;
      const sealed = await Promise.all([shortest, longest].map((length) => seal(new Uint8Array(length))));
      for (const { length } of sealed) assert.equal(length, HEADER_BYTES + bucket + TAG_BYTES);
      shortest = longest + 1;
    }
    assert.equal(shortest, BODY_MAX_BYTES + 1);
  });

  it('cannot hold more than the largest bucket', async () => {
    assert.equal(await sealEnvelope(key, CONTEXT, 1, new Uint8Array(BODY_MAX_BYTES + 1)), undefined);
    const largest = await seal(new Uint8Array(BODY_MAX_BYTES));
    assert.ok(Math.ceil((largest.length * 4) / 3) <= PAYLOAD_TEXT_MAX, 'the largest one fits into a message');
  });

  it('has a nonce of its own each time', async () => {
    const sealed = await Promise.all(Array.from({ length: 50 }, () => seal(Uint8Array.of(7))));
    assert.equal(new Set(sealed.map((bytes) => toHex(bytes.slice(10, HEADER_BYTES)))).size, 50);
    assert.equal(new Set(sealed.map((bytes) => toHex(bytes.slice(HEADER_BYTES)))).size, 50);
  });

  it('shows its body nowhere', async () => {
    const body = asciiBytes('candidate:1 1 udp 1 192.0.2.1 9 typ host');
    assert.ok(!toHex(await seal(body)).includes(toHex(body.slice(0, 8))));
  });

  it('does not open with any one byte changed, whichever bit', async () => {
    const sealed = await seal(Uint8Array.of(1, 2, 3), 258);
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.with(at, sealed[at]! ^ (1 << (at % 8)));
      assert.equal(await openEnvelope(key, CONTEXT, changed), undefined, `byte ${at}`);
    }
    for (let bit = 0; bit < 8 * HEADER_BYTES; bit++) {
      const at = bit >> 3;
      const changed = sealed.with(at, sealed[at]! ^ (1 << (bit % 8)));
      assert.equal(await openEnvelope(key, CONTEXT, changed), undefined, `bit ${bit}`);
    }
  });

  it('does not open for another room, sender, receiver or key, nor turned round', async () => {
    const sealed = await seal(Uint8Array.of(1));
    assert.ok(await openEnvelope(key, CONTEXT, sealed));
    for (const change of [{ roomId: roomIdOf(1) }, { from: CAROL }, { to: CAROL }, { from: BOB, to: ALICE }]) {
      assert.equal(await openEnvelope(key, { ...CONTEXT, ...change }, sealed), undefined, JSON.stringify(change));
    }
    assert.equal(await openEnvelope(otherKey, CONTEXT, sealed), undefined);
  });

  it('does not open cut short, lengthened, or under the tag of another', async () => {
    const [one, two] = await Promise.all([seal(Uint8Array.of(1), 1), seal(Uint8Array.of(2), 2)]);
    for (const length of [0, 1, 9, 21, 22, 37, 38, one.length - 1]) {
      assert.equal(await openEnvelope(key, CONTEXT, one.slice(0, length)), undefined, `${length} bytes`);
    }
    assert.equal(await openEnvelope(key, CONTEXT, concatBytes(one, Uint8Array.of(0))), undefined);
    assert.equal(
      await openEnvelope(key, CONTEXT, concatBytes(one.slice(0, -TAG_BYTES), two.slice(-TAG_BYTES))),
      undefined,
    );
    assert.equal(await openEnvelope(key, CONTEXT, concatBytes(one.slice(0, 10), two.slice(10))), undefined);
  });

  it('of another version or kind does not open, even well sealed', async () => {
    const padded = new Uint8Array(512);
    assert.ok(await openEnvelope(key, CONTEXT, await sealRaw(padded)));
    assert.equal(await openEnvelope(key, CONTEXT, await sealRaw(padded, headerOf(1, 2))), undefined);
    assert.equal(await openEnvelope(key, CONTEXT, await sealRaw(padded, headerOf(1, 1, 2))), undefined);
  });

  it('with an id from 2^53 up does not open, even well sealed', async () => {
    const padded = new Uint8Array(512);
    const opened = await openEnvelope(key, CONTEXT, await sealRaw(padded, headerOf(2 ** 53 - 1)));
    assert.equal(opened?.id, 2 ** 53 - 1);
    assert.equal(await openEnvelope(key, CONTEXT, await sealRaw(padded, headerOf(2 ** 53))), undefined);
  });

  it('with a length that its padding cannot hold, or outside every bucket, does not open, even well sealed', async () => {
    const padded = new Uint8Array(512);
    padded.set(uintBytes(508, 4));
    assert.equal((await openEnvelope(key, CONTEXT, await sealRaw(padded)))?.body.length, 508);
    padded.set(uintBytes(509, 4));
    assert.equal(await openEnvelope(key, CONTEXT, await sealRaw(padded)), undefined);
    padded.set(uintBytes(2 ** 32 - 1, 4));
    assert.equal(await openEnvelope(key, CONTEXT, await sealRaw(padded)), undefined);
    for (const length of [0, 4, 511, 513]) {
      assert.equal(
        await openEnvelope(key, CONTEXT, await sealRaw(new Uint8Array(length))),
        undefined,
        `${length} bytes`,
      );
    }
  });

  it('fuzz: noise does not open and does not throw', async () => {
    const random = new Random(22);
    for (let i = 0; i < 500; i++) {
      const length = random.chance(0.5) ? HEADER_BYTES + 512 + TAG_BYTES : random.below(600);
      const noise = random.bytes(length);
      if (random.chance(0.7)) noise.set([1, 1, 0, 0].slice(0, length));
      assert.equal(await openEnvelope(key, CONTEXT, noise), undefined);
    }
  });
});
