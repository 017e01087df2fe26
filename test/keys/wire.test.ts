import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { HEADER_BYTES } from '../../src/engine/crypto/pqxdh-header.ts';
import { deriveRoomKeys } from '../../src/engine/crypto/room-keys.ts';
import type { RoomKeys } from '../../src/engine/crypto/room-keys.ts';
import {
  formatHandshake,
  formatMessage,
  openHandshake,
  openSealedBundle,
  parsePayload,
  sealBundle,
} from '../../src/engine/keys/wire.ts';
import { fromBase64Url, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL } from '../helpers/samples.ts';
import { secretOf } from './join-stage.ts';

const random = new Random(20_268);
const HEADER = random.bytes(HEADER_BYTES);
const MESSAGE = random.bytes(600);

let room: RoomKeys;
let elsewhere: RoomKeys;

before(async () => {
  [room, elsewhere] = await Promise.all([deriveRoomKeys(secretOf(1)), deriveRoomKeys(secretOf(2))]);
});

async function sealedHeader(): Promise<Bytes> {
  const payload = parsePayload(await formatHandshake(room, ALICE, BOB, HEADER, MESSAGE));
  assert.ok(payload?.kind === 1);
  assert.deepEqual(payload.message, MESSAGE);
  return payload.sealedHeader;
}

describe('EN1: a payload', () => {
  it('of a handshake holds its header, sealed, and a message', async () => {
    const payload = await formatHandshake(room, ALICE, BOB, HEADER, MESSAGE);
    assert.deepEqual([...payload.slice(0, 2)], [1, 1]);
    assert.equal(payload.length, 2 + 12 + HEADER_BYTES + 16 + MESSAGE.length);
    assert.deepEqual(await openHandshake(room, ALICE, BOB, await sealedHeader()), HEADER);
  });

  it('of a message holds it as it is', () => {
    assert.deepEqual(parsePayload(formatMessage(MESSAGE)), { kind: 2, message: MESSAGE });
  });

  it('of any other version or kind is none', () => {
    for (let version = 0; version < 256; version++) {
      for (const kind of [0, 1, 2, 3, 255]) {
        const payload = parsePayload(Uint8Array.of(version, kind, 7));
        assert.equal(payload !== undefined, version === 1 && (kind === 1 || kind === 2));
      }
    }
    assert.equal(parsePayload(new Uint8Array()), undefined);
    assert.equal(parsePayload(Uint8Array.of(1)), undefined);
  });

  it('that is cut short is one whose header does not open', async () => {
    const payload = parsePayload((await formatHandshake(room, ALICE, BOB, HEADER, MESSAGE)).slice(0, 900));
    assert.ok(payload?.kind === 1);
    assert.deepEqual(
      [payload.message.length, await openHandshake(room, ALICE, BOB, payload.sealedHeader)],
      [0, undefined],
    );
  });
});

describe('EN2: a sealed header', () => {
  it('opens in its room, from its sender, for its receiver, and nowhere else', async () => {
    const sealed = await sealedHeader();
    assert.equal(await openHandshake(elsewhere, ALICE, BOB, sealed), undefined);
    assert.equal(await openHandshake(room, BOB, ALICE, sealed), undefined);
    assert.equal(await openHandshake(room, CAROL, BOB, sealed), undefined);
    assert.equal(await openHandshake(room, ALICE, CAROL, sealed), undefined);
  });

  it('is another one every time', async () => {
    assert.notDeepEqual(await sealedHeader(), await sealedHeader());
  });

  it('does not open with any byte changed', async () => {
    const sealed = await sealedHeader();
    for (const at of sealed.keys()) {
      const bit = 1 << random.below(8);
      assert.equal(await openHandshake(room, ALICE, BOB, sealed.with(at, sealed[at]! ^ bit)), undefined, `byte ${at}`);
    }
  });
});

describe('EN2: a sealed bundle', () => {
  const head = random.bytes(1543);
  const records = [random.bytes(1221), random.bytes(1221)];

  it('opens for everybody in the room, under its owner’s id', async () => {
    const { head: sealed, one_time } = await sealBundle(room, BOB, head, records);
    assert.equal(one_time.length, 2);
    assert.deepEqual(await openSealedBundle(room, BOB, { head: sealed }), { head, oneTime: undefined });
    for (const [i, record] of records.entries()) {
      const handed = { head: sealed, one_time: one_time[i]! };
      assert.deepEqual(await openSealedBundle(room, BOB, handed), { head, oneTime: record });
    }
    assert.equal(await openSealedBundle(room, CAROL, { head: sealed }), undefined);
    assert.equal(await openSealedBundle(elsewhere, BOB, { head: sealed }), undefined);
  });

  it('does not open where a part is of another bundle’s owner, in another’s place, broken, or no base64url', async () => {
    const { head: sealed, one_time } = await sealBundle(room, BOB, head, records);
    const other = await sealBundle(room, CAROL, head, records);
    const bytes = fromBase64Url(one_time[0]!)!;
    const broken = toBase64Url(bytes.with(100, bytes[100]! ^ 1));
    for (const one_time_blob of [other.one_time[0]!, sealed, broken, '', 'A', '****']) {
      assert.equal(await openSealedBundle(room, BOB, { head: sealed, one_time: one_time_blob }), undefined);
    }
    for (const head_blob of [other.head, one_time[0]!, '', 'A', '****']) {
      assert.equal(await openSealedBundle(room, BOB, { head: head_blob, one_time: one_time[1]! }), undefined);
    }
  });
});
