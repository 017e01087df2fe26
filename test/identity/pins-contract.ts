/** What pins have to do, wherever they lie; run in Node and in browsers. */
import type { Pins } from '../../src/engine/identity/pins.ts';
import { equal, ok, same } from '../components/assert.ts';
import { ROOM, roomIdOf } from '../helpers/samples.ts';
import type { It } from './contract.ts';

export type Peer = Parameters<Pins['look']>[2];

export function deviceNumber(number: number): Peer {
  const deviceId = new Uint8Array(32);
  new DataView(deviceId.buffer).setUint32(0, number);
  return { kind: 'device', deviceId };
}

export const ADA = deviceNumber(1);
const EVE = deviceNumber(2);
const NEXT = deviceNumber(3);
const GUEST: Peer = { kind: 'guest', deviceId: new Uint8Array(32).fill(0x99) };
const OTHER_ROOM = roomIdOf(0xbb);

export function pinsContract(it: It, create: () => Pins): void {
  it('do not know anybody at first, and looking changes nothing', async () => {
    const pins = create();
    for (const peer of [ADA, GUEST, ADA]) equal(await pins.look(ROOM, 'Ada', peer), 'new');
    same([await pins.isVerified(ADA.deviceId), await pins.isRevoked(ADA.deviceId)], [false, false]);
  });

  it('know a device by its name in a room once it is pinned, and pinning says what was before', async () => {
    const pins = create();
    equal(await pins.pin(ROOM, 'Ada', ADA), 'new');
    equal(await pins.look(ROOM, 'Ada', ADA), 'known');
    equal(await pins.pin(ROOM, 'Ada', ADA), 'known');
    equal(await pins.look(OTHER_ROOM, 'Ada', ADA), 'new');
    equal(await pins.look(ROOM, 'Bob', ADA), 'new');
  });

  it('are loud about another device under a pinned name, and do not give the name away', async () => {
    const pins = create();
    await pins.pin(ROOM, 'Ada', ADA);
    equal(await pins.look(ROOM, 'Ada', EVE), 'changed');
    equal(await pins.pin(ROOM, 'Ada', EVE), 'changed');
    equal(await pins.look(ROOM, 'Ada', EVE), 'changed');
    equal(await pins.look(ROOM, 'Ada', ADA), 'known');
    equal(await pins.look(OTHER_ROOM, 'Ada', EVE), 'new');
  });

  it('take names that look alike for one', async () => {
    const pins = create();
    await pins.pin(ROOM, 'Zoë Ada', ADA);
    for (const name of ['zoë ada', 'ZOË ADA', 'Zoe\u0308 Ada', ' Zoë Ada ', 'Ｚoë Ada']) {
      equal(await pins.look(ROOM, name, ADA), 'known', name);
      equal(await pins.look(ROOM, name, EVE), 'changed', name);
    }
    equal(await pins.look(ROOM, 'Zoe Ada', EVE), 'new');
  });

  it('pin nothing to people without a name', async () => {
    const pins = create();
    for (const name of ['', ' ']) {
      equal(await pins.pin(ROOM, name, ADA), 'new');
      equal(await pins.look(ROOM, name, EVE), 'new');
    }
    await pins.setVerified(ADA.deviceId, true);
    equal(await pins.look(ROOM, '', ADA), 'verified');
  });

  it('never pin a guest; one under the name of a device is somebody else', async () => {
    const pins = create();
    equal(await pins.pin(ROOM, 'Ada', GUEST), 'new');
    equal(await pins.look(ROOM, 'Ada', GUEST), 'new');
    equal(await pins.pin(ROOM, 'Ada', ADA), 'new');
    equal(await pins.pin(ROOM, 'Ada', GUEST), 'changed');
    equal(await pins.look(ROOM, 'Ada', ADA), 'known');
  });

  it('know a verified device under every free name and in every room, until that is taken back', async () => {
    const pins = create();
    await pins.pin(ROOM, 'Ada', ADA);
    await pins.setVerified(ADA.deviceId, true);
    ok(await pins.isVerified(ADA.deviceId), 'not verified');
    for (const [room, name] of [
      [ROOM, 'Ada'],
      [OTHER_ROOM, 'Countess'],
    ] as const) {
      equal(await pins.look(room, name, ADA), 'verified');
    }
    equal(await pins.look(OTHER_ROOM, 'Countess', EVE), 'new');
    await pins.setVerified(ADA.deviceId, false);
    same([await pins.look(ROOM, 'Ada', ADA), await pins.look(OTHER_ROOM, 'Countess', ADA)], ['known', 'new']);
  });

  it('are loud about a verified device under the name of another: the name is what people see', async () => {
    const pins = create();
    await pins.pin(ROOM, 'Ada', ADA);
    await pins.setVerified(EVE.deviceId, true);
    equal(await pins.look(ROOM, 'Ada', EVE), 'changed');
  });

  it('give a name over to a device that was verified after the alarm, and keep verified ones beside it', async () => {
    const pins = create();
    await pins.pin(ROOM, 'Ada', ADA);
    await pins.setVerified(EVE.deviceId, true);
    equal(await pins.pin(ROOM, 'Ada', EVE), 'changed');
    same([await pins.look(ROOM, 'Ada', EVE), await pins.look(ROOM, 'Ada', ADA)], ['verified', 'changed']);
    await pins.setVerified(NEXT.deviceId, true);
    await pins.pin(ROOM, 'Ada', NEXT);
    same([await pins.look(ROOM, 'Ada', EVE), await pins.look(ROOM, 'Ada', NEXT)], ['verified', 'verified']);
  });

  it('keep four devices of a name at most', async () => {
    const pins = create();
    const devices = [10, 11, 12, 13, 14].map(deviceNumber);
    for (const device of devices) {
      await pins.setVerified(device.deviceId, true);
      await pins.pin(ROOM, 'Ada', device);
    }
    const standings = await Promise.all(devices.map((device) => pins.look(ROOM, 'Ada', device)));
    same(standings, ['changed', 'verified', 'verified', 'verified', 'verified']);
  });

  it('go with a device to the keys that it rotates to', async () => {
    const pins = create();
    await pins.pin(ROOM, 'Ada', ADA);
    await pins.pin(OTHER_ROOM, 'Countess', ADA);
    await pins.setVerified(ADA.deviceId, true);
    for (const time of ['once', 'and the same again']) ok(await pins.moveTo(ADA.deviceId, NEXT.deviceId), time);
    same([await pins.look(ROOM, 'Ada', NEXT), await pins.look(OTHER_ROOM, 'Countess', NEXT)], ['verified', 'verified']);
    equal(await pins.look(ROOM, 'Ada', ADA), 'changed', 'the old keys under the name');
    equal(await pins.isVerified(ADA.deviceId), false, 'the old keys');
  });

  it('go to one place only: keys that were given up give nothing away again, and are not come back to', async () => {
    const pins = create();
    await pins.setVerified(ADA.deviceId, true);
    await pins.moveTo(ADA.deviceId, NEXT.deviceId);
    equal(await pins.moveTo(ADA.deviceId, EVE.deviceId), false, 'a second heir');
    equal(await pins.moveTo(NEXT.deviceId, ADA.deviceId), false, 'back');
    equal(await pins.moveTo(EVE.deviceId, EVE.deviceId), false, 'to itself');
    same([await pins.isVerified(NEXT.deviceId), await pins.isVerified(EVE.deviceId)], [true, false]);
  });

  it('do not bring back a verification that was taken back after the move', async () => {
    const pins = create();
    await pins.setVerified(ADA.deviceId, true);
    await pins.moveTo(ADA.deviceId, NEXT.deviceId);
    await pins.setVerified(NEXT.deviceId, false);
    ok(await pins.moveTo(ADA.deviceId, NEXT.deviceId), 'a replay is no fault');
    equal(await pins.isVerified(NEXT.deviceId), false);
  });

  it('have nothing to move for strangers, and merge where both were known', async () => {
    const pins = create();
    ok(await pins.moveTo(ADA.deviceId, NEXT.deviceId), 'refused');
    equal(await pins.isVerified(NEXT.deviceId), false);
    for (const peer of [ADA, EVE]) await pins.setVerified(peer.deviceId, true);
    for (const peer of [ADA, EVE]) await pins.pin(ROOM, 'Ada', peer);
    await pins.setVerified(ADA.deviceId, false);
    ok(await pins.moveTo(ADA.deviceId, EVE.deviceId), 'refused');
    equal(await pins.look(ROOM, 'Ada', EVE), 'verified');
  });

  it('never trust revoked keys again, however often it is said', async () => {
    const pins = create();
    await pins.pin(ROOM, 'Ada', ADA);
    await pins.setVerified(ADA.deviceId, true);
    for (const peer of [ADA, ADA, EVE]) await pins.markRevoked(peer.deviceId);
    for (const peer of [ADA, EVE]) {
      ok(await pins.isRevoked(peer.deviceId), 'not revoked');
      await pins.setVerified(peer.deviceId, true);
      equal(await pins.isVerified(peer.deviceId), false, 'verified');
      equal(await pins.pin(OTHER_ROOM, 'Ada', peer), 'changed');
      equal(await pins.look(OTHER_ROOM, 'Ada', peer), 'changed');
    }
    equal(await pins.look(OTHER_ROOM, 'Ada', NEXT), 'new', 'revoked keys were pinned');
    equal(await pins.look(ROOM, 'Ada', NEXT), 'changed', 'the name is still theirs');
    equal(await pins.moveTo(ADA.deviceId, NEXT.deviceId), false, 'from revoked keys');
    equal(await pins.moveTo(NEXT.deviceId, ADA.deviceId), false, 'to revoked keys');
  });

  it('doubt all that came of keys which are revoked after they were given up', async () => {
    const pins = create();
    const last = deviceNumber(4);
    await pins.pin(ROOM, 'Ada', ADA);
    await pins.setVerified(ADA.deviceId, true);
    await pins.moveTo(ADA.deviceId, NEXT.deviceId);
    await pins.moveTo(NEXT.deviceId, last.deviceId);
    equal(await pins.look(ROOM, 'Ada', last), 'verified');
    await pins.markRevoked(ADA.deviceId);
    same([await pins.look(ROOM, 'Ada', last), await pins.isRevoked(last.deviceId)], ['known', false]);
  });

  it('forget everything, and begin again', async () => {
    const pins = create();
    await pins.pin(ROOM, 'Ada', ADA);
    await pins.setVerified(ADA.deviceId, true);
    await pins.markRevoked(EVE.deviceId);
    await pins.forget();
    equal(await pins.look(ROOM, 'Ada', ADA), 'new');
    equal(await pins.isRevoked(EVE.deviceId), false);
    equal(await pins.pin(ROOM, 'Ada', EVE), 'new');
    equal(await pins.look(ROOM, 'Ada', EVE), 'known');
  });
}
