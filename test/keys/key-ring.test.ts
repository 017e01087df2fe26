import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { CERTIFICATE_LEEWAY_S, issueCertificate } from '../../src/engine/crypto/certificate.ts';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { KeyRing, openRoomSecret, randomPeerId } from '../../src/engine/keys/key-ring.ts';
import type { Clocks, DeviceSource } from '../../src/engine/keys/key-ring.ts';
import { parsePeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { TOKEN_LIFE_MAX_S, parseToken, roomIdPreimage, tokenTimeFault } from '../../src/engine/protocol/token.ts';
import { ALICE, BOB } from '../helpers/samples.ts';
import { START_MS, assertOpens, assertRefused, bundleOf, sealed, secretOf } from './join-stage.ts';

const ROOM = { secret: Uint8Array.from({ length: 32 }, (_, i) => i + 1), pkHost: new Uint8Array(32) };
/** The known answer of room-keys.test.ts. */
const ROOM_ID = '0xc87dff933ca8cb0f62d6b91f4e7398cdae4891fc02f5cb6723a201222f7696a5';
const START_S = START_MS / 1000;
const FINGERPRINT = new Uint8Array(32).fill(5);
const BOBS_FINGERPRINT = new Uint8Array(32).fill(6);

/** A device whose certificate is made when it is asked for, by the time that it is told. */
class Devices implements DeviceSource {
  readonly openedS: number[] = [];
  isDead = false;

  async open(provider: Provider, nowS: number): Promise<DeviceKeys> {
    this.openedS.push(nowS);
    const [signer, dh] = await Promise.all([provider.generateSigner(), provider.generateDh()]);
    return { signer, dh, certificate: await issueCertificate(signer, dh.publicKey, 'device', nowS, 3600) };
  }

  async isRevoked(): Promise<boolean> {
    return this.isDead;
  }
}

function clocksAt(nowMs: number): Clocks {
  return { now: () => nowMs, steadyNow: () => 0 };
}

describe('A key ring', () => {
  let ring: KeyRing;

  before(async () => {
    ring = await KeyRing.create(ROOM, new Devices());
  });

  it('shows no key: only the room id and what algorithms there are can be read from it', () => {
    assert.equal(ring.roomId, ROOM_ID);
    assert.deepEqual(Object.keys(ring).sort(), ['host', 'provider', 'roomId']);
    assert.deepEqual(JSON.parse(JSON.stringify(ring)), { roomId: ROOM_ID, provider: {}, host: {} });
  });

  it('has another room for another secret', async () => {
    const other = await KeyRing.create(secretOf(9), new Devices());
    assert.notEqual(other.roomId, ring.roomId);
    assert.equal((await openRoomSecret('relay.test', 'lobby')).length, 32);
  });

  it('is not made where there are no keys of a device', async () => {
    const open = async (): Promise<DeviceKeys> => {
      throw new Error('storage is broken');
    };
    await assert.rejects(KeyRing.create(ROOM, { open, isRevoked: async () => false }));
  });

  it('AD1, AD3: its token verifies under the platform’s Ed25519, and its keys hash to the room id', async () => {
    const parsed = parseToken(await ring.token(BOB, 42, START_S))!;
    const { pkRoom, pkHost, roomId } = parsed.claims;
    const key = await crypto.subtle.importKey('raw', pkRoom, 'Ed25519', true, ['verify']);
    assert.ok(await crypto.subtle.verify('Ed25519', key, parsed.signature, parsed.signed));
    assert.ok(!(await crypto.subtle.verify('Ed25519', key, parsed.signature, parsed.signed.with(20, 0))));
    assert.equal(`0x${createHash('sha256').update(roomIdPreimage(pkRoom, pkHost)).digest('hex')}`, roomId);
    assert.equal(roomId, ROOM_ID);
  });

  it('AD8: its tokens for one peer have one nonce, another peer’s another', async () => {
    const nonces: string[] = [];
    for (const peerId of [BOB, BOB, ALICE, BOB]) {
      nonces.push(String(parseToken(await ring.token(peerId, 42, START_S))?.claims.nonce));
    }
    assert.equal(nonces[0], nonces[1]);
    assert.equal(new Set(nonces).size, 3);
  });

  it('AD4: its token has the peer, the join number and the longest life allowed', async () => {
    const tokens = [await ring.token(BOB, 42, START_S)];
    for (const token of tokens) {
      const { claims } = parseToken(token)!;
      const { peerId, joinNumber, iatS, expS } = claims;
      assert.deepEqual([peerId, joinNumber, iatS, expS], [BOB, 42, START_S, START_S + TOKEN_LIFE_MAX_S]);
      assert.equal(tokenTimeFault(claims, START_S), undefined);
    }
  });
});

describe('The keys of its joins', () => {
  it('agree with those of another ring of the same room', async () => {
    const [one, two] = await Promise.all([KeyRing.create(ROOM, new Devices()), KeyRing.create(ROOM, new Devices())]);
    const [alice, bob] = await Promise.all([one.join(ALICE, FINGERPRINT), two.join(BOB, BOBS_FINGERPRINT)]);
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), undefined);
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'hello'), 'hello');
  });

  it('refuse whom the device refuses', async () => {
    const devices = new Devices();
    const [one, two] = await Promise.all([KeyRing.create(ROOM, new Devices()), KeyRing.create(ROOM, devices)]);
    const [alice, bob] = await Promise.all([one.join(ALICE, FINGERPRINT), two.join(BOB, BOBS_FINGERPRINT)]);
    await alice.meet(BOB, await bundleOf(bob));
    devices.isDead = true;
    await assertRefused(bob, ALICE, await sealed(alice, BOB, 'hello'), 'revoked');
  });

  it('know nothing of each other: a new join begins anew', async () => {
    const [one, two] = await Promise.all([KeyRing.create(ROOM, new Devices()), KeyRing.create(ROOM, new Devices())]);
    const [first, bob] = await Promise.all([one.join(ALICE, FINGERPRINT), two.join(BOB, BOBS_FINGERPRINT)]);
    await first.meet(BOB, await bundleOf(bob));
    await assertOpens(bob, ALICE, await sealed(first, BOB, 'hello'), 'hello');
    const second = await one.join(ALICE, FINGERPRINT);
    await assertRefused(second, BOB, await sealed(bob, ALICE, 'x'), 'no-session');
  });
});

describe('Keys that are made ahead', () => {
  /** One device that stays the same, and counts what it signs. */
  class KeptDevice implements DeviceSource {
    signed = 0;
    isBroken = false;
    #keys: Promise<DeviceKeys> | undefined;

    async open(provider: Provider, nowS: number): Promise<DeviceKeys> {
      if (this.isBroken) throw new Error('storage is broken');
      this.#keys ??= this.#make(provider, nowS);
      return this.#keys;
    }

    renew(): void {
      this.#keys = undefined;
    }

    async isRevoked(): Promise<boolean> {
      return false;
    }

    async #make(provider: Provider, nowS: number): Promise<DeviceKeys> {
      const made = await new Devices().open(provider, nowS);
      const sign: DeviceKeys['signer']['sign'] = (message) => {
        this.signed += 1;
        return made.signer.sign(message);
      };
      return { ...made, signer: { publicKey: made.signer.publicKey, sign } };
    }
  }

  async function ringOf(device: KeptDevice): Promise<KeyRing> {
    return KeyRing.create(ROOM, device, clocksAt(START_MS));
  }

  /** What one join signs. */
  let once = 0;
  before(async () => {
    const device = new KeptDevice();
    await (await ringOf(device)).join(ALICE, FINGERPRINT);
    once = device.signed;
    assert.ok(once > 0);
  });

  it('are those of the join that comes, and agree with others', async () => {
    const device = new KeptDevice();
    const [ring, bobs] = await Promise.all([ringOf(device), ringOf(new KeptDevice())]);
    ring.prepare(ALICE, FINGERPRINT);
    const [alice, bob] = await Promise.all([ring.join(ALICE, FINGERPRINT), bobs.join(BOB, BOBS_FINGERPRINT)]);
    assert.equal(device.signed, once);
    assert.equal(await alice.meet(BOB, await bundleOf(bob)), undefined);
    await assertOpens(bob, ALICE, await sealed(alice, BOB, 'hello'), 'hello');
  });

  it('are of one join only', async () => {
    const device = new KeptDevice();
    const ring = await ringOf(device);
    ring.prepare(ALICE, FINGERPRINT);
    const first = await ring.join(ALICE, FINGERPRINT);
    const second = await ring.join(ALICE, FINGERPRINT);
    assert.notEqual(first, second);
    assert.equal(device.signed, 2 * once);
  });

  const changes: readonly (readonly [string, (ring: KeyRing, device: KeptDevice) => unknown, PeerId, Uint8Array])[] = [
    ['another peer id', () => undefined, BOB, FINGERPRINT],
    ['another DTLS certificate', () => undefined, ALICE, BOBS_FINGERPRINT],
    ['another clock', (ring) => ring.token(ALICE, 0, START_S + 3600), ALICE, FINGERPRINT],
  ];
  for (const [what, change, peerId, fingerprint] of changes) {
    it(`are not those of a join with ${what}`, async () => {
      const device = new KeptDevice();
      const ring = await ringOf(device);
      ring.prepare(ALICE, FINGERPRINT);
      await change(ring, device);
      const keys = await ring.join(peerId, Uint8Array.from(fingerprint));
      assert.equal(keys.isOutdated, false);
      assert.equal(device.signed, 2 * once);
    });
  }

  it('are not those of a device that has got other keys', async () => {
    const device = new KeptDevice();
    const ring = await ringOf(device);
    ring.prepare(ALICE, FINGERPRINT);
    const old = await device.open(ring.provider, START_S);
    device.renew();
    const { certificate } = await ring.join(ALICE, FINGERPRINT);
    assert.deepEqual(certificate, (await device.open(ring.provider, START_S)).certificate);
    assert.notDeepEqual(certificate, old.certificate);
  });

  it('may fail: whoever joins then has them made, or is told', async () => {
    const device = new KeptDevice();
    const ring = await ringOf(device);
    device.isBroken = true;
    ring.prepare(ALICE, FINGERPRINT);
    await assert.rejects(ring.join(ALICE, FINGERPRINT));
    ring.prepare(ALICE, FINGERPRINT);
    device.isBroken = false;
    await ring.join(ALICE, FINGERPRINT);
    assert.equal(device.signed, once);
  });
});

describe('A clock that is wrong', () => {
  /** Ours is an hour behind. */
  const OURS_MS = START_MS - 3_600_000;

  it('AD5: gives way to the relay’s, as soon as that is known', async () => {
    const devices = new Devices();
    const ring = await KeyRing.create(ROOM, devices, clocksAt(OURS_MS));
    const early = await ring.join(ALICE, FINGERPRINT);
    assert.deepEqual([ring.now(), early.isOutdated], [OURS_MS, false]);
    await ring.token(ALICE, 0, START_S);
    assert.deepEqual([ring.now(), early.isOutdated], [START_MS, true]);
    const late = await ring.join(ALICE, FINGERPRINT);
    assert.equal(late.isOutdated, false);
    assert.deepEqual(devices.openedS, [OURS_MS / 1000, OURS_MS / 1000, START_S]);
    assert.equal(late.certificate.notBeforeS, START_S);
  });

  it('AD5: has others refuse our certificate until it is made anew', async () => {
    const ring = await KeyRing.create(ROOM, new Devices(), clocksAt(START_MS + 2 * CERTIFICATE_LEEWAY_S * 1000));
    const bobs = await KeyRing.create(ROOM, new Devices(), clocksAt(START_MS));
    const bob = await bobs.join(BOB, BOBS_FINGERPRINT);
    const early = await ring.join(ALICE, FINGERPRINT);
    assert.equal(await bob.meet(ALICE, await bundleOf(early)), 'bad-bundle');
    await ring.token(ALICE, 0, START_S);
    const late = await ring.join(ALICE, FINGERPRINT);
    assert.equal(await bob.meet(ALICE, await bundleOf(late)), undefined);
  });

  it('AD5: is only corrected for more than a message can take', async () => {
    const ring = await KeyRing.create(ROOM, new Devices(), clocksAt(START_MS));
    for (const [aheadS, expectedMs] of [
      [30, 0],
      [-30, 0],
      [31, 31_000],
      [-31, -31_000],
      [0, 0],
    ] as const) {
      await ring.token(ALICE, 0, START_S + aheadS);
      assert.equal(ring.now() - START_MS, expectedMs);
    }
  });
});

describe('A random peer id', () => {
  it('ID2: is a peer id, and another each time', () => {
    const ids = Array.from({ length: 100 }, () => randomPeerId());
    assert.equal(new Set(ids).size, 100);
    for (const id of ids) assert.equal(parsePeerId(id), id);
  });
});
