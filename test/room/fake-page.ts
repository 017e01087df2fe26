/** A page in memory: the room's state, and ports that wait for the test. It checks itself after every event. */
import assert from 'node:assert/strict';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { PublicationKind } from '../../src/engine/protocol/peer.ts';
import type { Effect, Moment, RoomEvent, TimerId } from '../../src/engine/room/events.ts';
import { isShown } from '../../src/engine/room/peers.ts';
import { isFramesTimer } from '../../src/engine/room/frames.ts';
import { isRosterTimer } from '../../src/engine/room/roster.ts';
import { INITIAL_STATE, isPresent } from '../../src/engine/room/state.ts';
import type { Peers, RoomState } from '../../src/engine/room/state.ts';
import { step } from '../../src/engine/room/step.ts';
import { certificateOf } from './step-fixtures.ts';
import { FakeLink } from './fake-link.ts';
import type { FakeNetwork } from './fake-link.ts';
import type { FakeSocket } from './fake-relay.ts';

/** What the page asks for, and what its own devices answer: fine at any time. */
const OWN_EVENTS: readonly RoomEvent['type'][] = [
  'open-lobby',
  'join',
  'leave',
  'set-name',
  'set-private',
  'set-microphone',
  'set-camera',
  'set-device',
  'device-live',
  'device-failed',
  'device-ended',
];

export class FakePage {
  readonly #network: FakeNetwork;
  readonly #now: () => number;
  state: RoomState = INITIAL_STATE;
  readonly links = new Map<PeerId, FakeLink>();
  /** When each timer ends. */
  readonly timers = new Map<TimerId, number>();
  readonly openDevices: PublicationKind[] = [];
  readonly moments: Moment[] = [];
  /** Whom the page shows, as told by its moments. */
  readonly shown = new Set<PeerId>();
  peerId: PeerId | undefined;
  socket: FakeSocket | undefined;
  /** The number that the next token shows. */
  joinNumber = 0;
  wantsRelay = false;

  constructor(network: FakeNetwork, now: () => number) {
    this.#network = network;
    this.#now = now;
  }

  get peers(): Peers {
    return isPresent(this.state.call) ? this.state.call.peers : new Map();
  }

  dispatch(event: RoomEvent): void {
    const hadLeft = this.state.call.phase === 'left' || this.state.call.phase === 'idle';
    const [state, effects] = step(this.state, event);
    this.state = state;
    if (hadLeft && !OWN_EVENTS.includes(event.type)) {
      const stray = effects.filter(({ type }) => type !== 'drop');
      assert.deepEqual(stray, [], `${event.type} has effects on a page that is not in the room`);
    }
    if (event.type === 'welcome') this.joinNumber = event.joinNumber;
    for (const effect of effects) this.#execute(effect);
    this.#checkSelf();
  }

  /** The process ends: nothing is said to anyone. */
  vanish(): void {
    for (const link of this.links.values()) this.#network.vanish(link);
    this.links.clear();
    this.timers.clear();
  }

  #execute(effect: Effect): void {
    switch (effect.type) {
      case 'connect-relay':
        this.peerId = effect.peerId;
        this.joinNumber = 0;
        this.wantsRelay = true;
        return;
      case 'disconnect-relay':
        this.wantsRelay = false;
        if (this.socket?.isOpenAtPage) this.socket.up.push('leave');
        this.socket = undefined;
        return;
      case 'send':
        // what cannot be sent now is not kept
        if (this.socket?.isOpenAtPage) this.socket.send(effect.to, effect.message);
        return;
      case 'announce-roster':
        for (const to of effect.to) {
          const { seq, members, isAsking } = effect;
          // keys are not part of this world: any MAC is as good as another
          const message = { type: 'roster', seq, members, mac: certificateOf(to), isAsking } as const;
          if (this.socket?.isOpenAtPage) this.socket.send(to, message);
        }
        return;
      case 'open-link':
        this.#assert(!this.links.has(effect.peerId), 'opened a link twice');
        this.links.set(effect.peerId, new FakeLink(this.#network, effect.peerId, effect.generation));
        return;
      case 'close-link': {
        const link = this.links.get(effect.peerId);
        this.links.delete(effect.peerId);
        if (link) this.#network.close(link);
        return;
      }
      case 'make-offer':
        return this.#link(effect).makeOffer(effect.round, effect.isRestart);
      case 'repeat-offer':
        return this.#link(effect).repeatOffer(effect.round);
      case 'repeat-answer':
        return this.#link(effect).repeatAnswer(effect.round);
      case 'accept-offer':
        return this.#link(effect).acceptOffer(effect.round, effect.sdp);
      case 'accept-answer':
        return this.#link(effect).acceptAnswer(effect.round, effect.sdp);
      case 'add-candidates':
        this.#link(effect);
        return;
      case 'start-timer':
        this.timers.set(effect.id, this.#now() + effect.delay_ms);
        return;
      case 'stop-timer':
        this.timers.delete(effect.id);
        return;
      case 'open-device':
        this.openDevices.push(effect.kind);
        return;
      case 'tell':
        return this.#hear(effect.moment);
      case 'close-device':
      case 'mute-device':
      case 'publish-track':
      case 'assure':
      case 'meet-again':
      case 'refuse-peer':
      case 'rotate-sender-keys':
      case 'switch-sender-keys':
      case 'repeat-messages':
      case 'check-frames':
      case 'drop':
        return;
    }
  }

  #link({ peerId, generation, type }: { peerId: PeerId; generation: number; type: string }): FakeLink {
    const link = this.links.get(peerId);
    assert.ok(link, `${type} without a link`);
    assert.equal(link.generation, generation, `${type} on a link of another generation`);
    return link;
  }

  #hear(moment: Moment): void {
    this.moments.push(moment);
    if (moment.type === 'peer-joined') {
      this.#assert(!this.shown.has(moment.peerId), 'a peer joined twice');
      this.shown.add(moment.peerId);
    }
    if (moment.type === 'peer-left') this.#assert(this.shown.delete(moment.peerId), 'a peer left that was not shown');
    if (moment.type === 'left') this.shown.clear();
  }

  /** The state's links are the open ones; nothing is left of peers that are gone. */
  #checkSelf(): void {
    for (const [peerId, { link }] of this.peers) {
      const isOpen = link.negotiation.at !== 'new';
      this.#assert(this.links.has(peerId) === isOpen, `link ${link.negotiation.at}, open: ${this.links.has(peerId)}`);
      if (isOpen) this.#assert(this.links.get(peerId)?.generation === link.generation, 'another generation is open');
    }
    for (const peerId of this.links.keys()) this.#assert(this.peers.has(peerId), 'a link to nobody');
    for (const id of this.timers.keys()) {
      this.#assert(
        [...this.peers.keys()].some((peerId) => id.endsWith(peerId)) ||
          ((isRosterTimer(id) || isFramesTimer(id)) && this.peers.size > 0),
        `the timer ${id} for nobody`,
      );
    }
    const present = [...this.peers.values()].filter(isShown).map(({ peerId }) => peerId);
    assert.deepEqual(present.toSorted(), [...this.shown].toSorted(), 'told something else than the state says');
  }

  #assert(isTrue: boolean, message: string): void {
    assert.ok(isTrue, message);
  }
}
