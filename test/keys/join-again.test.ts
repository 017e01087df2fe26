/** Handshakes that are begun again because nobody has answered. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import type { JoinKeys } from '../../src/engine/keys/join-keys.ts';
import { ALICE, BOB } from '../helpers/samples.ts';
import { formatPqxdhHeader, parsePqxdhHeader } from '../../src/engine/crypto/pqxdh-header.ts';
import { KIND_PUBLIC_KEY, formatHandshake, openHandshake, parsePayload } from '../../src/engine/keys/wire.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { JoinStage, assertOpens, assertRefused, bundleOf, sealed } from './join-stage.ts';

let stage: JoinStage;
let alicesDevice: DeviceKeys;
let alice: JoinKeys;
let bob: JoinKeys;

beforeEach(async () => {
  stage = await JoinStage.create();
  alicesDevice = await stage.device();
  [alice, bob] = await Promise.all([stage.member(ALICE, { device: alicesDevice }), stage.member(BOB)]);
});

describe('HS6: a handshake that nobody has answered', () => {
  it('is forgotten and begun again, also where the first one has come through', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'one'), 'one');
    alice.forgetUnanswered(BOB);
    assert.equal(alice.hasSession(BOB), false);
    await alice.meet(BOB, await bundleOf(bob));
    const again = await assertOpens(bob, ALICE, await sealed(alice, BOB, 'two'), 'two');
    assert.equal(again.isFirst, true);
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'answer'), 'answer');
  });

  it('is not begun again by another device under the same peer id', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'one'), 'one');
    const mallory = await stage.member(ALICE);
    await mallory.meet(BOB, await bundleOf(bob));
    await assertRefused(bob, ALICE, await sealed(mallory, BOB, 'two'), 'second-handshake');
  });

  it('is not forgotten once it is answered, nor begun anew once it is confirmed', async () => {
    await alice.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'one'), 'one');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'answer'), 'answer');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'confirmed'), 'confirmed');
    alice.forgetUnanswered(BOB);
    assert.equal(alice.hasSession(BOB), true);
    const reborn = await stage.member(ALICE, { device: alicesDevice });
    await reborn.meet(BOB, await bundleOf(bob));
    await assertRefused(bob, ALICE, await sealed(reborn, BOB, 'two'), 'stale-handshake');
  });

  it('is not begun with a peer that was refused', async () => {
    alice.refuse(BOB);
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), 'refused-peer');
  });
});

describe('HS6: a first message beside a session that stands', () => {
  /** Alice has begun twice; the second time is agreed. Gives what she has said in the first. */
  async function begunTwice(first: 'lost' | 'opened', isOneTime = true): Promise<readonly Bytes[]> {
    const bundle = async (): ReturnType<typeof bundleOf> => {
      const { head, ...rest } = await bundleOf(bob);
      return isOneTime ? { head, ...rest } : { head };
    };
    await alice.meet(BOB, await bundle());
    const said = [await sealed(alice, BOB, 'one'), await sealed(alice, BOB, 'one more')];
    if (first === 'opened') await assertOpens(bob, ALICE, said[0]!, 'one');
    alice.forgetUnanswered(BOB);
    await alice.meet(BOB, await bundle());
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'two'), 'two');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'answer'), 'answer');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'confirmed'), 'confirmed');
    return said;
  }

  async function assertGoesOn(): Promise<void> {
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'on'), 'on');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'and on'), 'and on');
  }

  for (const first of ['lost', 'opened'] as const) {
    for (const isOneTime of [true, false]) {
      const by = isOneTime ? 'a one-time key' : 'the last-resort key';
      it(`that the same device had begun before (${first}, by ${by}) is stale, and no alarm`, async () => {
        const late = await begunTwice(first, isOneTime);
        const { isLow } = bob;
        await assertRefused(bob, ALICE, late[1]!, 'stale-handshake');
        await assertRefused(bob, ALICE, late[0]!, 'stale-handshake');
        await assertRefused(bob, ALICE, late[0]!, 'stale-handshake');
        assert.equal(bob.isLow, isLow, 'no pre-key is spent');
        await assertGoesOn();
      });
    }
  }

  it('that crossed ours and comes when ours is answered is stale as well', async () => {
    const [alices, bobs] = [await bundleOf(alice), await bundleOf(bob)];
    await Promise.all([alice.meet(BOB, bobs), bob.meet(ALICE, alices)]);
    const crossed = await sealed(bob, ALICE, 'b');
    // the lower id's counts
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'a'), 'a');
    await assertOpens(alice, BOB, await sealed(bob, ALICE, 'answer'), 'answer');
    await assertRefused(alice, BOB, crossed, 'stale-handshake');
    await assertGoesOn();
  });

  it('of another device is told, also where its pre-key is gone', async () => {
    await begunTwice('lost');
    const mallory = await stage.member(ALICE);
    const bundle = await bundleOf(bob);
    await mallory.meet(BOB, bundle);
    await assertRefused(bob, ALICE, await sealed(mallory, BOB, 'x'), 'second-handshake');
    for (let i = 0; i < 5; i++) await bob.publication();
    await assertRefused(bob, ALICE, await sealed(mallory, BOB, 'x'), 'second-handshake');
    await assertGoesOn();
  });

  it('that shows the certificate of the device and does not open is told: a copy', async () => {
    const late = (await begunTwice('lost'))[0]!;
    await assertRefused(bob, ALICE, late.with(late.length - 1, late.at(-1)! ^ 1), 'second-handshake');
    const noHeader = new Uint8Array(1320).fill(2);
    const payload = await formatHandshake(stage.room, ALICE, BOB, noHeader, late.slice(-600));
    await assertRefused(bob, ALICE, payload, 'second-handshake');
    await assertGoesOn();
  });

  it('that shows it and names a pre-key that there has never been, or another last-resort key, is told', async () => {
    const late = parsePayload((await begunTwice('opened'))[1]!);
    assert.ok(late?.kind === KIND_PUBLIC_KEY);
    const bytes = await openHandshake(stage.room, ALICE, BOB, late.sealedHeader);
    const header = bytes && parsePqxdhHeader(bytes);
    assert.ok(header);
    const assertFault = async (ids: Partial<typeof header>, fault: string): Promise<void> => {
      const changed = formatPqxdhHeader({ ...header, ...ids });
      await assertRefused(bob, ALICE, await formatHandshake(stage.room, ALICE, BOB, changed, late.message), fault);
    };
    await assertFault({}, 'stale-handshake');
    const { lastResortId } = header;
    for (const oneTimeId of [1_000, 0xffff_ffff, lastResortId]) await assertFault({ oneTimeId }, 'second-handshake');
    await assertFault({ lastResortId: lastResortId + 1 }, 'second-handshake');
    await assertFault({ lastResortId: lastResortId + 1, oneTimeId: 0 }, 'second-handshake');
    await assertGoesOn();
  });

  it('is looked at so closely a few times only: more is told, whosever it is', async () => {
    const late = (await begunTwice('lost'))[0]!;
    const faults: string[] = [];
    for (let i = 0; i < 10; i++) {
      const opened = await bob.open(ALICE, late);
      if (!opened.ok) faults.push(opened.fault);
    }
    assert.deepEqual(faults, [...Array<string>(8).fill('stale-handshake'), 'second-handshake', 'second-handshake']);
    stage.now_ms += 5_000;
    await assertRefused(bob, ALICE, late, 'stale-handshake');
    await assertGoesOn();
  });
});

describe('HS9: the age of a skipped key', () => {
  async function skipped(): Promise<Bytes> {
    stage.steady_ms = 1_000;
    await alice.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'one'), 'one');
    const late = await sealed(alice, BOB, 'late');
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'two'), 'two');
    return late;
  }

  it('does not go by a clock that the relay, or anybody, can set', async () => {
    const late = await skipped();
    stage.now_ms += 3_600_000;
    await assertOpens(bob, ALICE, late, 'late');
  });

  it('ends after five minutes, however the clock is set back', async () => {
    const late = await skipped();
    stage.now_ms -= 3_600_000;
    stage.steady_ms = 1_000 + 5 * 60_000;
    await assertRefused(bob, ALICE, late, 'replayed');
  });
});
