import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { PAIRS_MAX } from '../../src/engine/keys/join-keys.ts';
import type { JoinKeys } from '../../src/engine/keys/join-keys.ts';
import { openSealedBundle } from '../../src/engine/keys/wire.ts';
import { toBase64Url, toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { flipped } from '../crypto/handshake-fixtures.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, peerIdOf } from '../helpers/samples.ts';
import { Forger } from '../attacks/forger.ts';
import { JoinStage, assertOpens, assertRefused, bundleOf, sealed } from './join-stage.ts';

const random = new Random(20_273);

let stage: JoinStage;
let alicesDevice: DeviceKeys;
let bobsDevice: DeviceKeys;
/** The newcomer; of the two ids the lower one. */
let alice: JoinKeys;
let bob: JoinKeys;

beforeEach(async () => {
  stage = await JoinStage.create();
  [alicesDevice, bobsDevice] = await Promise.all([stage.device(), stage.device('guest')]);
  [alice, bob] = await Promise.all([
    stage.member(ALICE, { device: alicesDevice }),
    stage.member(BOB, { device: bobsDevice }),
  ]);
});

async function agree(): Promise<void> {
  assert.equal(await alice.meet(BOB, await bundleOf(bob)), undefined);
  await assertOpens(bob, ALICE, await sealed(alice, BOB, 'hello'), 'hello');
  await assertOpens(alice, BOB, await sealed(bob, ALICE, 'welcome'), 'welcome');
}

describe('The keys of a join', () => {
  it('HS3: agree in one message, and say who is there', async () => {
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), undefined);
    const first = await assertOpens(bob, ALICE, await sealed(alice, BOB, 'hello'), 'hello');
    assert.deepEqual(first, {
      ok: true,
      text: 'hello',
      isFirst: true,
      sender: {
        certificate: toBase64Url(alicesDevice.certificate.hash),
        deviceId: toHex(alicesDevice.certificate.deviceId),
        kind: 'device',
        isConfirmed: false,
      },
    });
    const answer = await assertOpens(alice, BOB, await sealed(bob, ALICE, 'welcome'), 'welcome');
    assert.deepEqual([answer.isFirst, answer.sender.kind, answer.sender.isConfirmed], [true, 'guest', true]);
    assert.equal(answer.sender.deviceId, toHex(bobsDevice.certificate.deviceId));
    const next = await assertOpens(bob, ALICE, await sealed(alice, BOB, 'so'), 'so');
    assert.deepEqual([next.isFirst, next.sender.isConfirmed], [false, true]);
  });

  it('HS3: the handshake goes along until an answer has opened', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    const kinds = [];
    for (const text of ['one', 'two']) {
      const payload = await sealed(alice, BOB, text);
      kinds.push(payload[1]);
      await assertOpens(bob, ALICE, payload, text);
    }
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'answer'), 'answer');
    kinds.push((await sealed(alice, BOB, 'three'))[1], (await sealed(bob, ALICE, 'four'))[1]);
    assert.deepEqual(kinds, [1, 1, 2, 2]);
  });

  it('HS3: any of the first messages is enough, and those that it has overtaken open as well', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    const [one, two, three] = [
      await sealed(alice, BOB, '1'),
      await sealed(alice, BOB, '2'),
      await sealed(alice, BOB, '3'),
    ];
    assert.equal((await assertOpens(bob, ALICE, two, '2')).isFirst, true);
    assert.equal((await assertOpens(bob, ALICE, three, '3')).isFirst, false);
    assert.equal((await assertOpens(bob, ALICE, one, '1')).isFirst, false);
  });

  it('show a pair only once it has proved something: the initiator’s waits for an answer', async () => {
    assert.deepEqual([alice.hasSession(BOB), alice.peers()], [false, []]);
    await alice.meet(BOB, await bundleOf(bob));
    assert.deepEqual(
      [alice.hasSession(BOB), alice.pair(BOB), alice.dtlsFingerprint(BOB)],
      [true, undefined, undefined],
    );
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'hello'), 'hello');
    assert.deepEqual(bob.dtlsFingerprint(ALICE), new Uint8Array(32).fill(0xa1));
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'welcome'), 'welcome');
    assert.deepEqual(alice.dtlsFingerprint(BOB), new Uint8Array(32).fill(0xb0));
    assert.deepEqual([alice.peers(), bob.peers()], [[BOB], [ALICE]]);
    assert.deepEqual(alice.pair(BOB)?.exporter, bob.pair(ALICE)?.exporter);
  });

  it('send nothing without a session, and nothing that is too long', async () => {
    const carry = (): boolean => assert.fail('it has been sealed');
    assert.equal(await alice.send(BOB, 'hello', carry), 'no-session');
    await agree();
    assert.equal(await alice.send(BOB, 'x'.repeat(33_000), carry), 'too-large');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'on'), 'on');
  });

  it('count only what has left: however much could not, the next message opens', async () => {
    await agree();
    let tried = 0;
    for (let i = 0; i < 300; i++) {
      const fault = await alice.send(BOB, `lost ${i}`, () => {
        tried++;
        return false;
      });
      assert.equal(fault, 'not-carried');
    }
    assert.equal(tried, 300);
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'back'), 'back');
  });

  it('never seal two texts under one key and nonce, though one of them has not left', async () => {
    await agree();
    const tried: string[] = [];
    await alice.send(BOB, 'same', (payload) => {
      tried.push(toHex(payload.slice(-528)));
      return false;
    });
    tried.push(toHex((await sealed(alice, BOB, 'same')).slice(-528)));
    assert.notEqual(tried[0], tried[1]);
  });

  it('know when their certificate was made by a wrong clock', () => {
    assert.equal(alice.isOutdated, false);
    stage.isClockRight = false;
    assert.equal(alice.isOutdated, true);
    assert.deepEqual(alice.certificate, alicesDevice.certificate);
  });

  it('HS10: mix ML-KEM in when asked, on every pair', async () => {
    await agree();
    alice.requestKemSteps();
    bob.requestKemSteps();
    const lengths = [];
    for (let i = 0; i < 3; i++) {
      const there = await sealed(alice, BOB, 'there');
      await assertOpens(bob, ALICE, there, 'there');
      const back = await sealed(bob, ALICE, 'back');
      await assertOpens(alice, BOB, back, 'back');
      lengths.push(there.length, back.length);
    }
    const plain = Math.min(...lengths);
    // the key alone, then key and ciphertext or the ciphertext alone, then none again
    assert.ok(
      lengths.includes(plain + 1184) && lengths.some((length) => length - plain >= 1088 && length - plain !== 1184),
    );
    assert.deepEqual(lengths.slice(-1), [plain]);
  });
});

describe('A bundle', () => {
  it('is published with fresh one-time keys every time', async () => {
    const [first, second] = [await bob.publication(), await bob.publication()];
    assert.equal(first.one_time.length, 8);
    assert.equal(second.one_time.length, 8);
    // both open: those that were handed out are still good
    assert.equal(await alice.meet(BOB, { head: first.head, one_time: first.one_time[7]! }), undefined);
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'hello'), 'hello');
    const carol = await stage.member(CAROL);
    assert.equal(await carol.meet(BOB, { head: second.head, one_time: second.one_time[0]! }), undefined);
    await assertOpens(bob, CAROL, await sealed(carol, BOB, 'hello'), 'hello');
  });

  it('is whole also where another is made at the same time', async () => {
    const device = await stage.device();
    const waiting: Uint8Array[] = [];
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    let isGated = false;
    const sign: typeof device.signer.sign = async (message) => {
      const signature = await device.signer.sign(message);
      if (isGated) {
        waiting.push(signature);
        await gate;
      }
      return signature;
    };
    const dan = await stage.member(CAROL, { device: { ...device, signer: { ...device.signer, sign } } });
    await dan.publication();
    isGated = true;
    const making = Promise.all([dan.publication(), dan.publication()]);
    while (waiting.length === 0) await turn();
    // for the other one to come as far, if nothing keeps it
    for (let i = 0; i < 200; i++) await turn();
    open();
    const [first, second] = await Promise.all(
      (await making).map(({ head, one_time }) =>
        openSealedBundle(stage.room, CAROL, { head, one_time: String(one_time[0]) }),
      ),
    );
    assert.ok(first && second);
    assert.notDeepEqual(first.head, second.head);
    assert.notDeepEqual(first.oneTime, second.oneTime);
  });

  it('is due again when four are left, or when somebody found none', async () => {
    const { head, one_time } = await bob.publication();
    for (const [i, record] of one_time.slice(0, 4).entries()) {
      assert.equal(bob.isLow, false);
      const id = peerIdOf(i + 1);
      const peer = await stage.member(id);
      await peer.meet(BOB, { head, one_time: record });
      await assertOpens(bob, id, await sealed(peer, BOB, 'hello'), 'hello');
    }
    assert.equal(bob.isLow, true);
    await bob.publication();
    assert.equal(bob.isLow, false);
    await alice.meet(BOB, { head });
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'hello'), 'hello');
    assert.equal(bob.isLow, true);
  });

  it('that does not open, or whose keys are refused, begins nothing', async () => {
    const { head, one_time } = await bundleOf(bob);
    assert.equal(await alice.meet(BOB, { head: one_time! }), 'bad-bundle');
    assert.equal(await alice.meet(CAROL, { head }), 'bad-bundle');
    const forger = new Forger(stage.provider, stage.room);
    const zeros = new Uint8Array(32);
    assert.equal(await alice.meet(BOB, await forger.bundle(BOB, bobsDevice, { oneTimeKey: zeros })), 'refused-key');
    const { head: sealedHead } = await forger.open(BOB, { head });
    const altered = await forger.seal(BOB, {
      head: flipped(sealedHead, sealedHead.length - 1, random),
      oneTime: undefined,
    });
    assert.equal(await alice.meet(BOB, altered), 'bad-bundle');
    const short = await forger.seal(BOB, { head: sealedHead.subarray(1), oneTime: undefined });
    assert.equal(await alice.meet(BOB, short), 'bad-bundle');
    assert.equal(alice.hasSession(BOB), false);
    assert.equal(await alice.meet(BOB, { head, one_time: one_time! }), undefined);
  });

  it('is needed once: a second one for the same peer changes nothing', async () => {
    await agree();
    const before = alice.pair(BOB);
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), undefined);
    assert.equal(alice.pair(BOB), before);
    assert.equal((await sealed(alice, BOB, 'on'))[1], 2);
  });
});

describe('Both begin at once', () => {
  it('HS6: the session of the lower id counts, whoever’s message comes first', async () => {
    const [alices, bobs] = [await bundleOf(alice), await bundleOf(bob)];
    await Promise.all([alice.meet(BOB, bobs), bob.meet(ALICE, alices)]);
    const [fromAlice, fromBob] = [await sealed(alice, BOB, 'a'), await sealed(bob, ALICE, 'b')];
    await assertRefused(alice, BOB, fromBob, 'crossed');
    await assertOpens(bob, ALICE, fromAlice, 'a');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'b'), 'b');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'on'), 'on');
  });

  it('HS6: also where ours is made while theirs is being opened', async () => {
    const [alices, bobs] = [await bundleOf(alice), await bundleOf(bob)];
    await bob.meet(ALICE, alices);
    const fromBob = await sealed(bob, ALICE, 'b');
    stage.meanwhile = async () => assert.equal(await alice.meet(BOB, bobs), undefined);
    await assertRefused(alice, BOB, fromBob, 'crossed');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'a'), 'a');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'b'), 'b');
  });

  it('HS6: also where theirs comes while ours is being made', async () => {
    const [alices, bobs] = [await bundleOf(alice), await bundleOf(bob)];
    await bob.meet(ALICE, alices);
    const fromBob = await sealed(bob, ALICE, 'b');
    stage.meanwhile = async () => void (await assertOpens(alice, BOB, fromBob, 'b'));
    assert.equal(await alice.meet(BOB, bobs), undefined);
    // one session, Bob's: nothing of ours was sent yet
    assert.equal((await sealed(alice, BOB, 'a'))[1], 2);
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'a'), 'a');
  });

  it('HS6: but an unanswered session of ours gives way to the same device only', async () => {
    const bobs = await bundleOf(bob);
    await bob.meet(ALICE, await bundleOf(alice));
    const mallory = await stage.member(ALICE);
    await mallory.meet(BOB, bobs);
    await assertRefused(bob, ALICE, await sealed(mallory, BOB, 'm'), 'second-handshake');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'b'), 'b');
  });
});

describe('A handshake that is not answered', () => {
  /** Begun and sent, and then given up. */
  async function givenUp(text: string): Promise<Bytes> {
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), undefined);
    const payload = await sealed(alice, BOB, text);
    alice.forgetUnanswered(BOB);
    assert.equal(alice.hasSession(BOB), false);
    return payload;
  }

  it('is begun again: where the first was lost, and where its answer was', async () => {
    await givenUp('lost');
    const heard = await givenUp('heard');
    await assertOpens(bob, ALICE, heard, 'heard');
    await sealed(bob, ALICE, 'lost');
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), undefined);
    const again = await assertOpens(bob, ALICE, await sealed(alice, BOB, 'again'), 'again');
    assert.deepEqual([again.isFirst, again.sender.isConfirmed], [true, false]);
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'welcome'), 'welcome');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'so'), 'so');
  });

  it('HS7: cannot be brought in once another has taken its place, nor can its answer', async () => {
    const first = await givenUp('first');
    await assertOpens(bob, ALICE, first, 'first');
    const answer = await sealed(bob, ALICE, 'to the first');
    const second = await givenUp('second');
    await assertOpens(bob, ALICE, second, 'second');
    await assertRefused(bob, ALICE, first, 'unknown-pre-key');
    await assertRefused(alice, BOB, answer, 'no-session');
    await alice.meet(BOB, await bundleOf(bob));
    await assertRefused(alice, BOB, answer, 'unopened');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'third'), 'third');
    await assertRefused(bob, ALICE, second, 'unknown-pre-key');
  });

  it('HS7: nor by the last-resort key', async () => {
    const { head } = await bob.publication();
    const messages = [];
    for (const text of ['first', 'second']) {
      await alice.meet(BOB, { head });
      messages.push(await sealed(alice, BOB, text));
      await assertOpens(bob, ALICE, messages.at(-1)!, text);
      alice.forgetUnanswered(BOB);
    }
    await assertRefused(bob, ALICE, messages[0]!, 'replayed');
  });

  it('HS6: is begun again by the same device alone', async () => {
    await assertOpens(bob, ALICE, await givenUp('first'), 'first');
    const mallory = await stage.member(ALICE);
    await mallory.meet(BOB, await bundleOf(bob));
    await assertRefused(bob, ALICE, await sealed(mallory, BOB, 'me too'), 'second-handshake');
  });

  it('HS6: is not what stands: who has been answered, or has confirmed, begins nothing anew', async () => {
    await agree();
    alice.forgetUnanswered(BOB);
    assert.equal(alice.hasSession(BOB), true);
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'so'), 'so');
    const again = await stage.member(ALICE, { device: alicesDevice });
    await again.meet(BOB, await bundleOf(bob));
    await assertRefused(bob, ALICE, await sealed(again, BOB, 'again'), 'stale-handshake');
    alice.forgetUnanswered(CAROL);
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'on'), 'on');
  });
});

describe('A first message', () => {
  it('HS6: of another handshake is refused where a session stands, on either side', async () => {
    await agree();
    const [again, back] = await Promise.all([stage.member(ALICE), stage.member(BOB)]);
    await again.meet(BOB, await bundleOf(bob));
    await assertRefused(bob, ALICE, await sealed(again, BOB, 'x'), 'second-handshake');
    await back.meet(ALICE, await bundleOf(alice));
    await assertRefused(alice, BOB, await sealed(back, ALICE, 'x'), 'second-handshake');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'on'), 'on');
  });

  it('EN4: of keys that do not fit is refused, and uses nothing up', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    const hello = await sealed(alice, BOB, 'hello');
    await assertRefused(bob, ALICE, flipped(hello, hello.length - 1, random), 'unopened');
    await assertRefused(bob, ALICE, hello.slice(0, -1), 'malformed');
    await assertOpens(bob, ALICE, hello, 'hello');
  });
});

describe('A first message that comes again', () => {
  for (const isOneTime of [true, false]) {
    const key = isOneTime ? 'a one-time key' : 'the last-resort key';

    it(`HS7: of ${key} is replayed, before an answer and after it`, async () => {
      const { head, one_time } = await bundleOf(bob);
      await alice.meet(BOB, { head, ...(isOneTime && { one_time: one_time! }) });
      const hello = await sealed(alice, BOB, 'hello');
      await assertOpens(bob, ALICE, hello, 'hello');
      await assertRefused(bob, ALICE, hello, 'replayed');
      await assertOpens(alice, BOB, await sealed(bob, ALICE, 'welcome'), 'welcome');
      await assertRefused(bob, ALICE, hello, 'replayed');
    });

    it(`HS7: of ${key} is refused at the same time: one of the two is the first`, async () => {
      const { head, one_time } = await bundleOf(bob);
      await alice.meet(BOB, { head, ...(isOneTime && { one_time: one_time! }) });
      const hello = await sealed(alice, BOB, 'hello');
      const opened = await Promise.all([bob.open(ALICE, hello), bob.open(ALICE, hello)]);
      const faults = opened.map((each) => (each.ok ? 'opened' : each.fault));
      assert.deepEqual(faults.sort(), ['opened', 'replayed']);
    });

    it(`HS7: of ${key} opens nothing once its session has given way`, async () => {
      const { head, one_time } = await bundleOf(bob);
      await alice.meet(BOB, { head, ...(isOneTime && { one_time: one_time! }) });
      const hello = await sealed(alice, BOB, 'hello');
      await assertOpens(bob, ALICE, hello, 'hello');
      await fill(bob, PAIRS_MAX);
      assert.equal(bob.hasSession(ALICE), false);
      await assertRefused(bob, ALICE, hello, isOneTime ? 'unknown-pre-key' : 'replayed');
      await assertRefused(bob, ALICE, await sealed(alice, BOB, 'on'), isOneTime ? 'unknown-pre-key' : 'replayed');
    });
  }
});

/** Sessions that the peers know nothing of, with as many ids: all with one device, since a bundle needs no more. */
async function fill(keys: JoinKeys, count: number): Promise<readonly PeerId[]> {
  const ids = Array.from({ length: count }, (_, i) => peerIdOf(i + 1));
  for (const id of ids) {
    const peer = await stage.member(id, { device: bobsDevice });
    assert.equal(await keys.meet(id, await bundleOf(peer)), undefined);
  }
  return ids;
}

describe('A device that was revoked', () => {
  it('PN4: is not met', async () => {
    stage.revoked.add(toHex(bobsDevice.certificate.deviceId));
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), 'revoked');
    assert.equal(alice.hasSession(BOB), false);
  });

  it('PN4: does not get in, and uses no pre-key up', async () => {
    const handed = await bundleOf(bob);
    await alice.meet(BOB, handed);
    stage.revoked.add(toHex(alicesDevice.certificate.deviceId));
    const hello = await sealed(alice, BOB, 'hello');
    await assertRefused(bob, ALICE, hello, 'revoked');
    stage.revoked.clear();
    await assertOpens(bob, ALICE, hello, 'hello');
  });

  it('PN4: is refused for good where it was revoked between our message and its answer', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'hello'), 'hello');
    stage.revoked.add(toHex(bobsDevice.certificate.deviceId));
    await assertRefused(alice, BOB, await sealed(bob, ALICE, 'welcome'), 'revoked');
    await assertRefused(alice, BOB, await sealed(bob, ALICE, 'again'), 'refused-peer');
    assert.equal(alice.hasSession(BOB), false);
  });
});

describe('HS8: a DTLS certificate', () => {
  const BOBS = new Uint8Array(32).fill(0xb0);
  const ALICES = new Uint8Array(32).fill(0xa1);

  it('that a present peer has named is nobody else’s: a newcomer who names it is refused, and uses nothing up', async () => {
    const carol = await stage.member(CAROL);
    await carol.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, CAROL, await sealed(carol, BOB, 'hello'), 'hello');
    const copy = await stage.member(ALICE, { dtlsFingerprint: new Uint8Array(32).fill(0xca) });
    await copy.meet(BOB, await bundleOf(bob));
    await assertRefused(bob, ALICE, await sealed(copy, BOB, 'I look like Carol'), 'copied-certificate');
    const mirror = await stage.member(ALICE, { dtlsFingerprint: BOBS });
    await mirror.meet(BOB, await bundleOf(bob));
    await assertRefused(bob, ALICE, await sealed(mirror, BOB, 'I look like you'), 'copied-certificate');
    await agree();
  });

  it('nor is ours a peer’s whom we begin with: it is refused for good once it answers, and keeps nobody out before', async () => {
    const copy = await stage.member(CAROL, { dtlsFingerprint: BOBS });
    await alice.meet(CAROL, await bundleOf(copy));
    await agree();
    await assertOpens(copy, ALICE, await sealed(alice, CAROL, 'hello'), 'hello');
    await assertRefused(alice, CAROL, await sealed(copy, ALICE, 'I look like Bob'), 'copied-certificate');
    await assertRefused(alice, CAROL, await sealed(copy, ALICE, 'again'), 'refused-peer');
    const other = peerIdOf(9);
    const mirror = await stage.member(other, { dtlsFingerprint: ALICES });
    await alice.meet(other, await bundleOf(mirror));
    // it has no look at its own: it is the mirror that is wrong
    const hello = await sealed(alice, other, 'hello');
    await assertRefused(mirror, ALICE, hello, 'copied-certificate');
  });

  it('of one that was refused is free again', async () => {
    const first = await stage.member(CAROL);
    await first.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, CAROL, await sealed(first, BOB, 'hello'), 'hello');
    bob.refuse(CAROL);
    const second = await stage.member(ALICE, { dtlsFingerprint: new Uint8Array(32).fill(0xca) });
    await second.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(second, BOB, 'it is mine'), 'it is mine');
  });
});

describe('A peer that was refused', () => {
  it('HS8: is sealed nothing for, and nothing of it opens; the others go on', async () => {
    await agree();
    const carol = await stage.member(CAROL);
    await carol.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, CAROL, await sealed(carol, BOB, 'hello'), 'hello');
    bob.refuse(ALICE);
    assert.deepEqual([bob.hasSession(ALICE), bob.hasSession(CAROL)], [false, true]);
    assert.equal(await bob.meet(ALICE, await bundleOf(alice)), 'refused-peer');
    assert.equal(await bob.send(ALICE, 'x', () => assert.fail('sealed')), 'no-session');
    await assertRefused(bob, ALICE, await sealed(alice, BOB, 'x'), 'refused-peer');
    await assertOpens(bob, CAROL, await sealed(carol, BOB, 'on'), 'on');
  });
});

describe('A payload', () => {
  it('EN1: of another version or kind is malformed; without a session it is nobody’s', async () => {
    for (const bytes of [[], [1], [2, 1], [0, 2], [1, 0], [1, 3], [1, 255]]) {
      await assertRefused(bob, ALICE, Uint8Array.from(bytes), 'malformed');
    }
    await assertRefused(bob, ALICE, Uint8Array.of(1, 2), 'no-session');
    await assertRefused(bob, ALICE, Uint8Array.of(1, 1), 'unopened');
    await agree();
    await assertRefused(bob, ALICE, Uint8Array.of(1, 2), 'malformed');
  });
});

describe('More peers than a room has', () => {
  it('give way, those first that came first, and never one who is here', async () => {
    const ids = await fill(alice, PAIRS_MAX);
    alice.setPresent(new Set(ids.slice(0, 2)));
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), undefined);
    assert.equal(alice.peers().length, PAIRS_MAX);
    assert.deepEqual(alice.peers().slice(0, 2), ids.slice(0, 2));
    assert.equal(alice.hasSession(ids[2]!), false);
    const carol = await stage.member(CAROL);
    await carol.meet(ALICE, await bundleOf(alice));
    await assertOpens(alice, CAROL, await sealed(carol, ALICE, 'hello'), 'hello');
    assert.equal(alice.hasSession(ids[3]!), false);
    assert.equal(alice.hasSession(BOB), true);
  });

  it('are refused where all are here, on either side, and no pre-key is spent', async () => {
    const ids = await fill(alice, PAIRS_MAX);
    alice.setPresent(new Set(ids));
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), 'too-many-peers');
    await bob.meet(ALICE, await bundleOf(alice));
    const hello = await sealed(bob, ALICE, 'hello');
    await assertRefused(alice, BOB, hello, 'too-many-peers');
    alice.setPresent(new Set());
    await assertOpens(alice, BOB, hello, 'hello');
  });
});
