/** MB1–MB6: which keys a mailbox has, what can be put into it, and what comes out. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { MAIL_BODY_MAX_BYTES, MailboxKeys } from '../../src/engine/keys/mailbox-keys.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { roomSecretFromBytes } from '../../src/engine/protocol/invite.ts';
import type { RoomSecret } from '../../src/engine/protocol/invite.ts';
import { MAIL_BLOB_SIZES_BYTES } from '../../src/engine/protocol/mailbox.ts';
import { parseMailPass } from '../../src/engine/protocol/mailbox-pass.ts';
import type { ParsedMailPass } from '../../src/engine/protocol/mailbox-pass.ts';

const SEED = new Uint8Array(32).fill(9);
const NOW_S = 1_800_000_000;
const ID = new Uint8Array(16).fill(6);
const BODY = new Uint8Array([1, 2, 3]);

function roomOf(byte: number): RoomSecret {
  const room = roomSecretFromBytes(new Uint8Array(32).fill(byte));
  assert.ok(room);
  return room;
}

async function passOf(keys: MailboxKeys, body = '{}'): Promise<ParsedMailPass> {
  const parsed = parseMailPass(await keys.pass(body, NOW_S));
  assert.ok(parsed);
  return parsed;
}

async function isSignedBy({ signed, signature }: ParsedMailPass, publicKey: Bytes): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', key, signature, signed);
}

let owner: MailboxKeys;
let sender: MailboxKeys;
/** Holds the link, and was told another box. */
let misled: MailboxKeys;
/** Was told the box, and holds another link. */
let stranger: MailboxKeys;

before(async () => {
  owner = await MailboxKeys.ofOwner(roomOf(1), SEED);
  sender = await MailboxKeys.ofSender(roomOf(1), owner.box);
  misled = await MailboxKeys.ofSender(roomOf(1), new Uint8Array(32).fill(5));
  stranger = await MailboxKeys.ofSender(roomOf(2), owner.box);
});

describe('MB2: the keys of a box', () => {
  it('are the same for owner and senders, who need its name and the link', async () => {
    const [taking, putting] = [await passOf(owner), await passOf(sender)];
    assert.deepEqual([taking.pass.pkPut, taking.pass.pkTake], [putting.pass.pkPut, putting.pass.pkTake]);
    assert.deepEqual(taking.pass.pkTake, owner.box);
    for (const other of [misled, stranger]) {
      assert.notDeepEqual((await passOf(other)).pass.pkPut, putting.pass.pkPut);
    }
  });

  it('are others in another room and for another owner, and always the same for the same', async () => {
    const again = await MailboxKeys.ofOwner(roomOf(1), SEED);
    const elsewhere = await MailboxKeys.ofOwner(roomOf(2), SEED);
    const another = await MailboxKeys.ofOwner(roomOf(1), new Uint8Array(32).fill(8));
    assert.deepEqual(again.box, owner.box);
    const keys = [owner, elsewhere, another, misled];
    const seen = new Set<string>();
    for (const each of keys) {
      const { pkPut, pkTake } = (await passOf(each)).pass;
      for (const key of [pkPut, pkTake]) seen.add(Buffer.from(key).toString('hex'));
    }
    assert.equal(seen.size, 2 * keys.length, 'two boxes share a key that the relay sees');
    assert.deepEqual(SEED, new Uint8Array(32).fill(9), 'the seed is the caller’s and stays');
  });

  it('MB3: sign passes for their own role, for one minute and one body, never the same twice', async () => {
    const [taking, putting] = [await passOf(owner, 'a'), await passOf(sender, 'a')];
    assert.deepEqual([taking.pass.role, putting.pass.role], ['take', 'put']);
    assert.deepEqual(
      [await isSignedBy(taking, taking.pass.pkTake), await isSignedBy(taking, taking.pass.pkPut)],
      [true, false],
    );
    assert.deepEqual(
      [await isSignedBy(putting, putting.pass.pkTake), await isSignedBy(putting, putting.pass.pkPut)],
      [false, true],
    );
    assert.deepEqual([taking.pass.iatS, taking.pass.expS], [NOW_S, NOW_S + 60]);
    assert.deepEqual(taking.pass.bodyHash, putting.pass.bodyHash);
    assert.notDeepEqual((await passOf(owner, 'b')).pass.bodyHash, taking.pass.bodyHash);
    assert.notDeepEqual((await passOf(owner, 'a')).pass.nonce, taking.pass.nonce);
  });
});

describe('MB6: what is sealed for a box', () => {
  it('opens for its owner, with the name that the sender gave it', async () => {
    const sealed = await sender.seal({ id: ID, body: BODY });
    assert.ok(sealed);
    assert.deepEqual(await owner.open(sealed), { id: ID, body: BODY });
    assert.notDeepEqual(await sender.seal({ id: ID, body: BODY }), sealed);
  });

  it('has one of four sizes, up to the longest body', async () => {
    const lengths = [0, 400, 500, 2_100, 8_000, 8_200, MAIL_BODY_MAX_BYTES];
    const sizes = new Set<number>();
    for (const length of lengths) {
      const body = new Uint8Array(length).fill(1);
      const sealed = await sender.seal({ id: ID, body });
      assert.ok(sealed);
      sizes.add(sealed.length);
      assert.deepEqual((await owner.open(sealed))?.body, body);
    }
    assert.deepEqual(
      [...sizes].toSorted((a, b) => a - b),
      MAIL_BLOB_SIZES_BYTES,
    );
    assert.equal(MAIL_BODY_MAX_BYTES, 32_748);
    assert.equal(await sender.seal({ id: ID, body: new Uint8Array(MAIL_BODY_MAX_BYTES + 1) }), undefined);
  });

  it('does not open in another box or room, as another kind, or with any bit changed', async () => {
    for (const other of [misled, stranger]) {
      const sealed = await other.seal({ id: ID, body: BODY });
      assert.ok(sealed);
      assert.equal(await owner.open(sealed), undefined);
    }
    const sealed = await sender.seal({ id: ID, body: BODY });
    assert.ok(sealed);
    for (const at of [0, 11, 12, 100, sealed.length - 1]) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(await owner.open(changed), undefined);
    }
    assert.equal(await owner.openPart('head', sealed), undefined);
    const head = await owner.sealPart('head', BODY);
    assert.deepEqual(await sender.openPart('head', head), BODY);
    assert.deepEqual(
      [await sender.openPart('one-time', head), await owner.open(head), await stranger.openPart('head', head)],
      [undefined, undefined, undefined],
    );
  });

  it('is refused where a holder of the link has sealed what is no message', async () => {
    // Sealed as it has to be, but without length or name in it.
    const plain = await sender.seal({ id: new Uint8Array(3), body: new Uint8Array() });
    assert.ok(plain);
    assert.equal(await owner.open(plain), undefined);
  });
});
