/** Somebody with the link and the relay changes what two honest devices agree by: no keys come of it that he could know. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { HEADER_BYTES } from '../../src/engine/crypto/pqxdh-header.ts';
import type { JoinKeys, MeetFault } from '../../src/engine/keys/join-keys.ts';
import type { HandedBundle } from '../../src/engine/protocol/bundle.ts';
import { concatBytes, equalBytes, fromBase64Url, toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { SMALL_ORDER_KEYS, flipped, mangled, signedCertificate, watched } from '../crypto/handshake-fixtures.ts';
import {
  CERTIFICATE_AT,
  CIPHERTEXT_AT,
  EPHEMERAL_AT,
  FINGERPRINT_AT,
  LAST_RESORT_ID_AT,
  MODE_AT,
  ONE_TIME_ID_AT,
  SUITE_AT,
  put,
} from '../crypto/handshake-stage.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL } from '../helpers/samples.ts';
import { JoinStage, assertOpens, assertRefused, bundleOf, sealed } from '../keys/join-stage.ts';
import { Forger } from './forger.ts';

const SEED = 20_269;
const NO_KEM_KEY = new Uint8Array(1184).fill(0xff);

let stage: JoinStage;
let forger: Forger;
let mallory: DeviceKeys;
/** The newcomer. */
let alice: JoinKeys;
let bob: JoinKeys;
let bundle: HandedBundle;

beforeEach(async () => {
  stage = await JoinStage.create();
  forger = new Forger(stage.provider, stage.room);
  [alice, bob, mallory] = await Promise.all([stage.member(ALICE), stage.member(BOB), stage.device()]);
  bundle = await bundleOf(bob);
});

async function firstMessage(): Promise<Bytes> {
  assert.equal(await alice.meet(BOB, bundle), undefined);
  return sealed(alice, BOB, 'hello');
}

/** After all of it, the message itself is as good as it ever was: nothing was used up by what was refused. */
async function assertAgree(hello: Bytes): Promise<void> {
  await assertOpens(bob, ALICE, hello, 'hello');
  await assertOpens(alice, BOB, await sealed(bob, ALICE, 'welcome'), 'welcome');
  await assertOpens(bob, ALICE, await sealed(alice, BOB, 'so'), 'so');
}

describe('A bundle that the relay swaps', () => {
  async function assertNotMet(handed: HandedBundle, fault: MeetFault): Promise<void> {
    assert.equal(await alice.meet(BOB, handed), fault);
    assert.equal(alice.hasSession(BOB), false);
  }

  it('for garbage is refused, head or one-time record', async () => {
    const random = new Random(SEED);
    const noise = toBase64Url(random.bytes(1570));
    await assertNotMet({ head: noise }, 'bad-bundle');
    await assertNotMet({ head: '', one_time: bundle.one_time! }, 'bad-bundle');
    await assertNotMet({ head: bundle.head, one_time: noise }, 'bad-bundle');
    await assertAgree(await firstMessage());
  });

  it('for another peer’s, whole or a part of it, is refused', async () => {
    const carols = await bundleOf(await stage.member(CAROL));
    await assertNotMet(carols, 'bad-bundle');
    await assertNotMet({ head: bundle.head, one_time: carols.one_time! }, 'bad-bundle');
    // unsealed and sealed again under Bob's id by somebody with the link: Carol has signed it for herself
    await assertNotMet(await forger.seal(BOB, await forger.open(CAROL, carols)), 'bad-bundle');
    await assertAgree(await firstMessage());
  });

  it('for one of the same device’s last presence is refused: its peer id was another', async () => {
    const device = await stage.device();
    const before = await bundleOf(await stage.member(CAROL, { device }));
    const opened = await forger.open(CAROL, before);
    await assertNotMet(await forger.seal(BOB, opened), 'bad-bundle');
  });

  it('with any byte flipped is refused, sealed or in the clear', async () => {
    const random = new Random(SEED);
    const opened = await forger.open(BOB, bundle);
    const head = fromBase64Url(bundle.head)!;
    for (let i = 0; i < 60; i++) {
      await assertNotMet({ head: toBase64Url(flipped(head, random.below(head.length), random)) }, 'bad-bundle');
      const inHead = { ...opened, head: flipped(opened.head, random.below(opened.head.length), random) };
      const inRecord = { ...opened, oneTime: flipped(opened.oneTime!, random.below(1221), random) };
      for (const broken of [inHead, inRecord]) await assertNotMet(await forger.seal(BOB, broken), 'bad-bundle');
      const broken = mangled(opened.head, random);
      // now and then what is put there was there before
      if (equalBytes(broken, opened.head)) continue;
      await assertNotMet(await forger.seal(BOB, { ...opened, head: broken }), 'bad-bundle');
    }
    await assertAgree(await firstMessage());
  });

  it('with the last-resort record in the place of the one-time one, or the reverse, is refused', async () => {
    const { head, oneTime } = await forger.open(BOB, bundle);
    const lastResort = head.slice(194, 194 + 1221);
    await assertNotMet(await forger.seal(BOB, { head, oneTime: lastResort }), 'bad-bundle');
    await assertNotMet(await forger.seal(BOB, { head: put(head, 194, oneTime!), oneTime }), 'bad-bundle');
  });

  it('HS5: for one whose makers’ keys are of small order, or no keys at all, is refused in every place', async () => {
    for (const key of SMALL_ORDER_KEYS) {
      for (const place of ['certificateKey', 'lastResortKey', 'oneTimeKey'] as const) {
        await assertNotMet(await forger.bundle(BOB, mallory, { [place]: key }), 'refused-key');
      }
    }
    // the one-time key is the one that is encapsulated to, where there is one
    await assertNotMet(await forger.bundle(BOB, mallory, { oneTimeKem: NO_KEM_KEY }), 'refused-key');
    const { head } = await forger.bundle(BOB, mallory, { lastResortKem: NO_KEM_KEY });
    await assertNotMet({ head }, 'refused-key');
    await assertAgree(await firstMessage());
  });

  it('HS5: for one whose certificate is over, not yet good, or signed by a key of small order, is refused', async () => {
    const { signer, dh } = mallory;
    const nowS = stage.now_ms / 1000;
    for (const [notBeforeS, expiryS] of [
      [nowS - 1000, nowS - 400],
      [nowS + 400, nowS + 1000],
      [nowS, nowS],
      [nowS, nowS + 401 * 86_400],
    ] as const) {
      const certificate = await signedCertificate(signer, dh.publicKey, { notBeforeS, expiryS });
      await assertNotMet(await forger.bundle(BOB, mallory, { certificate }), 'bad-bundle');
    }
    for (const publicKey of SMALL_ORDER_KEYS) {
      const weak = { publicKey, sign: async () => concatBytes(publicKey, new Uint8Array(32)) };
      const certificate = await signedCertificate(weak, dh.publicKey, { notBeforeS: nowS, expiryS: nowS + 600 });
      await assertNotMet(await forger.bundle(BOB, { ...mallory, signer: weak }, { certificate }), 'bad-bundle');
    }
  });

  it('HS5: for one of another mode, or without a suite of ours, is refused', async () => {
    for (const mode of [0, 2, 255]) await assertNotMet(await forger.bundle(BOB, mallory, { mode }), 'refused-key');
    await assertNotMet(await forger.bundle(BOB, mallory, { suites: [2, 0xffff] }), 'refused-key');
    await assertNotMet(await forger.bundle(BOB, mallory, { suites: [] }), 'bad-bundle');
  });

  it('for one that an insider has made gives keys that are his, and never Bob’s', async () => {
    assert.equal(await alice.meet(BOB, await forger.bundle(BOB, mallory)), undefined);
    await assertRefused(bob, ALICE, await sealed(alice, BOB, 'hello'), 'unopened');
    // she holds nobody for Bob, as long as nobody has answered
    assert.equal(alice.pair(BOB), undefined);
  });
});

describe('A first message that somebody in between changes', () => {
  it('HS3: without its ML-KEM part opens nothing: ciphertext of zeros, of noise, header cut short', async () => {
    const hello = await firstMessage();
    const random = new Random(SEED);
    for (const ciphertext of [new Uint8Array(1088), random.bytes(1088)]) {
      const changed = await forger.withHeader(ALICE, BOB, hello, (header) => put(header, CIPHERTEXT_AT, ciphertext));
      await assertRefused(bob, ALICE, changed, 'unopened');
    }
    for (const length of [0, CIPHERTEXT_AT, HEADER_BYTES - 1]) {
      const cut = await forger.withHeader(ALICE, BOB, hello, (header) => header.slice(0, length));
      // the payload's layout is fixed: what is cut is taken from the message behind it
      await assertRefused(bob, ALICE, cut, 'unopened');
    }
    const noKem = await forger.withHeader(ALICE, BOB, hello, (header) =>
      concatBytes(header.slice(0, CIPHERTEXT_AT), new Uint8Array(1088)),
    );
    await assertRefused(bob, ALICE, noKem, 'unopened');
    await assertAgree(hello);
  });

  it('HS4: downgraded in suite or mode is refused', async () => {
    const hello = await firstMessage();
    for (const [at, value, fault] of [
      [MODE_AT, 0, 'wrong-mode'],
      [MODE_AT, 2, 'wrong-mode'],
      [SUITE_AT, 0xff, 'wrong-suite'],
      [SUITE_AT + 1, 0, 'wrong-suite'],
      [SUITE_AT + 1, 2, 'wrong-suite'],
      [0, 0, 'malformed'],
      [0, 2, 'malformed'],
    ] as const) {
      const changed = await forger.withHeader(ALICE, BOB, hello, (header) => header.with(at, value));
      await assertRefused(bob, ALICE, changed, fault);
    }
    await assertAgree(hello);
  });

  it('HS4, HS8: with another DTLS fingerprint in it opens nothing', async () => {
    const hello = await firstMessage();
    const other = new Uint8Array(32).fill(0x66);
    const changed = await forger.withHeader(ALICE, BOB, hello, (header) => put(header, FINGERPRINT_AT, other));
    await assertRefused(bob, ALICE, changed, 'unopened');
    await assertAgree(hello);
  });

  it('HS4: with another’s certificate in it opens nothing: nobody takes over what Alice has said', async () => {
    const hello = await firstMessage();
    const { bytes } = mallory.certificate;
    const changed = await forger.withHeader(ALICE, BOB, hello, (header) => put(header, CERTIFICATE_AT, bytes));
    await assertRefused(bob, ALICE, changed, 'unopened');
    await assertAgree(hello);
  });

  it('HS5: with a key of small order in it is refused: ephemeral, or of its certificate', async () => {
    const hello = await firstMessage();
    const { signer, certificate } = mallory;
    const { notBeforeS, expiryS } = certificate;
    for (const key of SMALL_ORDER_KEYS) {
      const weak = await forger.withHeader(ALICE, BOB, hello, (header) => put(header, EPHEMERAL_AT, key));
      await assertRefused(bob, ALICE, weak, 'refused-key');
      const bytes = await signedCertificate(signer, key, { notBeforeS, expiryS });
      const weakDevice = await forger.withHeader(ALICE, BOB, hello, (header) => put(header, CERTIFICATE_AT, bytes));
      await assertRefused(bob, ALICE, weakDevice, 'refused-key');
    }
    await assertAgree(hello);
  });

  it('HS7: with other pre-key ids in it is refused, or opens nothing', async () => {
    const hello = await firstMessage();
    for (const [at, id, fault] of [
      [ONE_TIME_ID_AT, [0, 0, 0, 99], 'unknown-pre-key'],
      [ONE_TIME_ID_AT, [0, 0, 0, 0], 'unopened'],
      [ONE_TIME_ID_AT, [0, 0, 0, 3], 'unopened'],
      [LAST_RESORT_ID_AT, [0, 0, 0, 9], 'unknown-pre-key'],
    ] as const) {
      const changed = await forger.withHeader(ALICE, BOB, hello, (header) => put(header, at, Uint8Array.from(id)));
      await assertRefused(bob, ALICE, changed, fault);
    }
    await assertAgree(hello);
  });

  it('with any byte flipped is refused: in the sealed payload, and in the header that he has opened', async () => {
    const random = new Random(SEED);
    const hello = await firstMessage();
    for (let i = 0; i < 200; i++) {
      const sealedFlip = await bob.open(ALICE, flipped(hello, random.below(hello.length), random));
      assert.equal(sealedFlip.ok, false);
      const inside = await forger.withHeader(ALICE, BOB, hello, (header) =>
        flipped(header, random.below(HEADER_BYTES), random),
      );
      assert.equal((await bob.open(ALICE, inside)).ok, false);
    }
    assert.equal(bob.hasSession(ALICE), false);
    await assertAgree(hello);
  });

  it('brought in another’s name, to another, or back to its sender opens nothing', async () => {
    const carol = await stage.member(CAROL);
    const hello = await firstMessage();
    await assertRefused(bob, CAROL, hello, 'unopened');
    await assertRefused(carol, ALICE, hello, 'unopened');
    await assertRefused(alice, BOB, hello, 'unopened');
    // somebody with the link can seal the header anew for that name; the transcript has the old one
    const { header, message } = await forger.opened(ALICE, BOB, hello);
    const asCarol = await forger.withHeader(CAROL, BOB, await carolsFirst(), () => header);
    await assertRefused(bob, CAROL, concatBytes(asCarol.slice(0, -message.length), message), 'unopened');
    await assertAgree(hello);
  });

  async function carolsFirst(): Promise<Bytes> {
    const carol = await stage.member(CAROL);
    await carol.meet(BOB, await bundleOf(bob, 1));
    return sealed(carol, BOB, 'hello');
  }

  it('in another room opens nothing', async () => {
    const hello = await firstMessage();
    const elsewhere = await JoinStage.create(2);
    await assertRefused(await elsewhere.member(BOB), ALICE, hello, 'unopened');
    await assertAgree(hello);
  });
});

describe('One-time keys', () => {
  it('HS7: one that was handed to two newcomers lets the first in, and the second not', async () => {
    const carol = await stage.member(CAROL);
    const hello = await firstMessage();
    await carol.meet(BOB, bundle);
    const second = await sealed(carol, BOB, 'me too');
    await assertAgree(hello);
    await assertRefused(bob, CAROL, second, 'unknown-pre-key');
    assert.equal(bob.hasSession(CAROL), false);
  });

  it('are not used up by headers without a message, however many come', async () => {
    const hello = await firstMessage();
    const { head, one_time } = await bob.publication();
    for (const record of one_time) {
      const newcomer = await stage.member(CAROL);
      await newcomer.meet(BOB, { head, one_time: record });
      const payload = await sealed(newcomer, BOB, 'x');
      await assertRefused(bob, CAROL, flipped(payload, payload.length - 1, new Random(SEED)), 'unopened');
    }
    assert.equal(bob.isLow, false);
    await assertAgree(hello);
  });
});

describe('A second handshake', () => {
  beforeEach(async () => assertAgree(await firstMessage()));

  it('HS6: under a peer id that has a session is refused, by whomever; the session goes on', async () => {
    for (const device of [mallory, undefined]) {
      const other = await stage.member(ALICE, device && { device });
      await other.meet(BOB, await bundleOf(bob));
      await assertRefused(bob, ALICE, await sealed(other, BOB, 'I am Alice'), 'second-handshake');
    }
    const another = await stage.member(BOB, { device: mallory });
    await another.meet(ALICE, await bundleOf(alice));
    await assertRefused(alice, BOB, await sealed(another, ALICE, 'I am Bob'), 'second-handshake');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'on'), 'on');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'and on'), 'and on');
  });

  it('costs no agreement where a session stands, however many come', async () => {
    let uses = 0;
    stage = new JoinStage(
      watched(stage.provider, () => uses++),
      stage.room,
    );
    [alice, bob] = await Promise.all([stage.member(ALICE), stage.member(BOB)]);
    bundle = await bundleOf(bob);
    await assertAgree(await firstMessage());
    for (let i = 0; i < 20; i++) {
      const other = await stage.member(ALICE, { device: mallory });
      await other.meet(BOB, await bundleOf(bob));
      const payload = await sealed(other, BOB, 'x');
      const before = uses;
      await assertRefused(bob, ALICE, payload, 'second-handshake');
      assert.equal(uses, before, 'refused by its header alone');
    }
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'on'), 'on');
  });
});

describe('Without the link', () => {
  it('nothing opens: neither bundles nor first messages, whatever else is known', async () => {
    const outside = await JoinStage.create(2);
    // the same room id by name, other secrets: what somebody would have who knows all that is public
    const outsider = { ...outside.room, roomId: stage.room.roomId };
    const eve = await stage.member(CAROL, { room: outsider });
    assert.equal(await eve.meet(BOB, bundle), 'bad-bundle');
    assert.equal(await alice.meet(CAROL, await bundleOf(eve)), 'bad-bundle');
    const insider = new Forger(stage.provider, outsider);
    assert.equal(await eve.meet(BOB, await insider.bundle(BOB, mallory)), undefined);
    await assertRefused(bob, CAROL, await sealed(eve, BOB, 'hello'), 'unopened');
    await assertAgree(await firstMessage());
  });

  it('KD5: not even with the keys that seal: the psk is in every handshake', async () => {
    const outside = await JoinStage.create(2);
    const eve = await stage.member(CAROL, { room: { ...stage.room, psk: outside.room.psk } });
    assert.equal(await eve.meet(BOB, bundle), undefined);
    await assertRefused(bob, CAROL, await sealed(eve, BOB, 'hello'), 'unopened');
    await assertAgree(await firstMessage());
  });
});
