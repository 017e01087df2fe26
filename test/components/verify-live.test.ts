/** Two people compare, over the engine's own sessions with a relay in memory: what one screen shows, the other knows. */
import { ENGINE } from '../../src/components/tai-room/tai-room.ts';
import type { TaiRoom } from '../../src/components/tai-room/tai-room.ts';
import { createHostedRoom, createPrivateRoom, resolveRoom } from '../../src/engine/index.ts';
import { RoomSession } from '../../src/engine/room-session.ts';
import { browserScanner } from '../../src/components/tai-verify/qr-scanner.ts';
import { SCANNER, TaiVerify } from '../../src/components/tai-verify/tai-verify.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { memoryWorld } from '../session/memory-world.ts';
import type { World } from '../session/memory-world.ts';
import { equal, ok, same, until } from './assert.ts';
import { accessible, button, clear, deepElements, find, findAll, place, settle } from './helpers.ts';
import { screenOf } from './qr-screen.ts';

const SECRET = new Uint8Array(32).fill(7);

type Screen = { readonly room: TaiRoom; readonly world: World };

function open(relay: MemoryRelay, name: string): Screen {
  const world = memoryWorld(relay, name);
  const { room } = place((element) => {
    const createSession = (options: ConstructorParameters<typeof RoomSession>[0]): RoomSession =>
      new RoomSession(options, world.ports);
    element[ENGINE] = { createSession, createHostedRoom, createPrivateRoom, resolveRoom };
    element.media = '';
    element.displayName = name;
    element.roomSecret = SECRET;
  });
  return { room, world };
}

async function met(): Promise<readonly [TaiRoom, TaiRoom]> {
  const relay = new MemoryRelay();
  const ada = open(relay, 'Ada');
  const bob = open(relay, 'Bob');
  ada.room.join();
  await until(() => ada.room.state === 'joined', 'Ada to be in');
  bob.room.join();
  const hasCode = ({ room, world }: Screen): boolean => {
    world.clock?.fire('roster-announce');
    return room.encryption.overall === 'encrypted' && room.roomCode !== undefined;
  };
  await until(() => [ada, bob].map(hasCode).every(Boolean), 'the room’s code', 8_000);
  return [ada.room, bob.room];
}

/** With the dialog about the other one. */
async function compare(room: TaiRoom): Promise<Element> {
  await settle(room);
  find(room, 'button.mark').click();
  return until(() => findAll<Element>(room, '.qr')[0], 'the dialog');
}

function peerOf(room: TaiRoom): TaiRoom['participants'][number]['peerId'] {
  const [peer] = room.participants;
  ok(peer, 'somebody');
  return peer.peerId;
}

describe('comparing, over the engine', () => {
  beforeEach(clear);
  after(clear);

  it('both see the same code, and the same number', async () => {
    const [ada, bob] = await met();
    same(ada.roomCode, bob.roomCode);
    const numbers = await Promise.all([ada.safetyNumber(peerOf(ada)), bob.safetyNumber(peerOf(bob))]);
    equal(numbers[0]?.digits, numbers[1]?.digits);
    equal(numbers[0]?.digits.length, 60);
  });

  it('an answer marks the other, here alone', async () => {
    const [ada, bob] = await met();
    await compare(ada);
    await accessible(ada);
    button(ada, 'They match').click();
    await until(() => ada.encryption.overall === 'verified', 'the mark');
    await settle(ada);
    ok(ada.matches(':state(verified)'), 'in CSS');
    ok(
      deepElements(ada).some((element) => element.matches('.done')),
      'in words',
    );
    equal(bob.encryption.overall, 'encrypted');
    button(ada, 'No longer trust this').click();
    await until(() => ada.encryption.overall === 'encrypted', 'the mark to be gone');
  });

  it('a scan of the other’s screen marks; one of our own warns', async () => {
    const [ada, bob] = await met();
    const screens = [await compare(bob), await compare(ada)];
    const element = deepElements(ada).find((each) => each instanceof TaiVerify);
    ok(element, 'the dialog’s element');
    element[SCANNER] = { ...browserScanner, openCamera: async () => screenOf(screens.pop()) };
    button(ada, 'Scan their code').click();
    await until(() => deepElements(ada).some((each) => each.matches('[role=alert]')), 'the warning');
    equal(ada.encryption.overall, 'codes-differ');
    button(ada, 'Compare again').click();
    await settle(ada);
    button(ada, 'Scan their code').click();
    await until(() => ada.encryption.overall === 'verified', 'the mark');
  });
});
