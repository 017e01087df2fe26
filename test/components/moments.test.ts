/** The elements over the engine's own session, with a relay in memory: what a page sees in the moment it is told. */
import { ENGINE } from '../../src/components/tai-room/tai-room.ts';
import type { TaiRoom } from '../../src/components/tai-room/tai-room.ts';
import { createHostedRoom, createPrivateRoom, resolveRoom } from '../../src/engine/index.ts';
import { RoomSession } from '../../src/engine/room-session.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { memoryWorld } from '../session/memory-world.ts';
import { equal, ok, same, until } from './assert.ts';
import { EVENTS, clear, place, settle } from './helpers.ts';

const SECRET = new Uint8Array(32).fill(7);

/** Without devices: those of a memory world are no tracks that a tile could show. */
function open(relay: MemoryRelay, name: string): { room: TaiRoom; told: string[] } {
  const told: string[] = [];
  const { room } = place((element) => {
    const world = memoryWorld(relay, name);
    const createSession = (options: ConstructorParameters<typeof RoomSession>[0]): RoomSession =>
      new RoomSession(options, world.ports);
    element[ENGINE] = { createSession, createHostedRoom, createPrivateRoom, resolveRoom };
    element.media = '';
    element.displayName = name;
    element.roomSecret = SECRET;
  });
  for (const type of ['tai-join', 'tai-leave', 'tai-peer-join', 'tai-peer-leave'] as const) {
    room.addEventListener(type, () => {
      told.push([type, room.state, ...room.participants.map((peer) => peer.name)].join(' '));
    });
  }
  return { room, told };
}

function announcement(room: TaiRoom): string {
  return room.shadowRoot?.querySelector('[role=status].visually-hidden')?.textContent ?? '';
}

describe('moments', () => {
  beforeEach(clear);
  after(clear);

  it('find the room as they tell it', async () => {
    const relay = new MemoryRelay();
    const ada = open(relay, 'Ada');
    ada.room.join();
    await until(() => ada.told.length === 1, 'Ada to be in');
    const bob = open(relay, 'Bob');
    bob.room.join();
    await until(() => ada.told.length === 2 && bob.told.length === 2, 'both to meet');
    bob.room.leave();
    await until(() => ada.told.length === 3, 'Bob to be gone');
    ada.room.leave();
    same(ada.told, ['tai-join joined', 'tai-peer-join joined Bob', 'tai-peer-leave joined', 'tai-leave left']);
    same(bob.told, ['tai-join joined', 'tai-peer-join joined Ada', 'tai-leave left']);
  });

  it('are announced by name', async () => {
    const relay = new MemoryRelay();
    const ada = open(relay, 'Ada');
    ada.room.join();
    await until(() => ada.told.length === 1, 'Ada to be in');
    const bob = open(relay, 'Bob');
    bob.room.join();
    await until(() => ada.told.length === 2, 'Bob to be there');
    await settle(ada.room);
    equal(announcement(ada.room), 'Bob joined');
    bob.room.leave();
    await until(() => ada.told.length === 3, 'Bob to be gone');
    await settle(ada.room);
    equal(announcement(ada.room), 'Bob left');
  });

  it('of a room taken out of the page are nobody’s', async () => {
    const relay = new MemoryRelay();
    const ada = open(relay, 'Ada');
    const bob = open(relay, 'Bob');
    ada.room.join();
    bob.room.join();
    await until(() => ada.told.length === 2 && bob.told.length === 2, 'both to meet');
    const after: string[] = [];
    for (const type of EVENTS) bob.room.addEventListener(type, () => after.push(type));
    bob.room.remove();
    await until(() => ada.told.length === 3, 'Bob to be gone');
    ok(ada.told[2]?.startsWith('tai-peer-leave'), 'Ada is told');
    same(after, []);
    equal(bob.room.state, 'idle');
  });
});
