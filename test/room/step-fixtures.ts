/** Events and rooms to begin with, for the tests of `step`. We are Alice; Bob is the peer. */
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { Presence, Sender } from '../../src/engine/protocol/peer.ts';
import type { Effect, RoomEvent } from '../../src/engine/room/events.ts';
import { ALICE, BOB } from '../helpers/samples.ts';
import { StepRunner } from './step-runner.ts';

export const PRESENCE: Presence = { name: 'Bob', publications: [] };
/** A certificate's hash as it stands in messages, told apart by its owner. */
export function certificateOf(peerId: PeerId): string {
  return peerId.slice(2).padEnd(43, 'A');
}

export function senderOf(peerId: PeerId, isConfirmed = true): Sender {
  return { certificate: certificateOf(peerId), deviceId: peerId.slice(2).repeat(2), kind: 'guest', isConfirmed };
}

export const join: RoomEvent = { type: 'join', peerId: ALICE };
export const linkTimer: RoomEvent = { type: 'timer', id: `link:${BOB}` };
export const goneTimer: RoomEvent = { type: 'timer', id: `gone:${BOB}` };
export const unlisted: RoomEvent = { type: 'peer-unlisted', peerId: BOB };
export const onLink = { peerId: BOB, generation: 1 } as const;

export function welcome(joinNumber: number, peers: Readonly<Record<PeerId, number>> = {}): RoomEvent {
  const listed = Object.entries(peers).map(([peerId, number]) => ({ peerId: peerId as PeerId, joinNumber: number }));
  return { type: 'welcome', joinNumber, certificate: certificateOf(ALICE), peers: listed };
}

export function listed(peerId: PeerId, joinNumber: number): RoomEvent {
  return { type: 'peer-listed', peerId, joinNumber };
}

export function offer(link = 1, round = 1, sdp = 'their offer'): RoomEvent {
  return {
    type: 'message',
    from: BOB,
    sender: senderOf(BOB),
    message: { type: 'offer', link, round, seq: 1, sdp, presence: PRESENCE },
  };
}

export function answer(link = 1, round = 1): RoomEvent {
  return {
    type: 'message',
    from: BOB,
    sender: senderOf(BOB),
    message: { type: 'answer', link, round, seq: 1, sdp: 'their answer', presence: PRESENCE },
  };
}

export function presence(link: number, isAsking = false): RoomEvent {
  return {
    type: 'message',
    from: BOB,
    sender: senderOf(BOB),
    message: { type: 'presence', link, seq: 1, presence: PRESENCE, isAsking },
  };
}

export function transport(state: 'connected' | 'disconnected' | 'failed', generation = 1): RoomEvent {
  return { type: 'transport-changed', peerId: BOB, generation, transport: state };
}

/** We came after Bob: we offer, and are polite. */
export function newcomer(): StepRunner {
  const room = new StepRunner();
  room.run(join, welcome(2, { [BOB]: 1 }));
  return room;
}

/** Bob came after us: he offers, and we are impolite. */
export function present(): StepRunner {
  const room = new StepRunner();
  room.run(join, welcome(1), listed(BOB, 2));
  return room;
}

/** The newcomer's link stands. */
export function linked(): StepRunner {
  const room = newcomer();
  room.run(
    { type: 'offer-made', ...onLink, round: 1, sdp: 'offer' },
    answer(),
    { type: 'answer-accepted', ...onLink, round: 1 },
    transport('connected'),
  );
  return room;
}

export function effectOf<T extends Effect['type']>(
  effects: readonly Effect[],
  type: T,
): Extract<Effect, { type: T }> | undefined {
  return effects.find((effect): effect is Extract<Effect, { type: T }> => effect.type === type);
}
