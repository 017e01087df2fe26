/** Our dealings with the room's door in one join: what we say there, as a host or as who knocks, and what is said of it. */
import { askForJwt } from './admission.ts';
import type { Admission } from './admission.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { RelayPort } from './ports.ts';
import type { HostAction } from './protocol/host.ts';
import type { HostNotification } from './protocol/host-messages.ts';
import type { PeerId } from './protocol/ids.ts';
import { JWT_SUBPROTOCOL_PREFIX } from './protocol/jwt.ts';
import type { HostMessage } from './protocol/peer.ts';
import type { Effect, RoomEvent } from './room/events.ts';

export type DoorSideOptions = {
  readonly self: PeerId;
  readonly ring: KeyRing;
  /** Asked at every attempt to connect, where the operator's relay wants a JWT. */
  readonly admission: Admission | undefined;
  relay(): RelayPort | undefined;
  /** Sealed, to one who has keys with us. */
  send(to: PeerId, message: HostMessage): void;
  /** Its keys count no more. */
  refuse(peerId: PeerId): void;
  onEvent(event: RoomEvent): void;
  onDropped(reason: string): void;
};

/** The relay that answers is another than the one we knew, or has another clock; a third time is no slip. */
const TRIES_MAX = 3;

export class DoorSide {
  readonly #options: DoorSideOptions;
  /** Statements in the order in which they were wanted. */
  #work: Promise<void> = Promise.resolve();
  /** The relay's instance, as it has named itself last. */
  #ep = '';
  #aheadS = 0;

  constructor(options: DoorSideOptions) {
    this.#options = options;
  }

  /** A `welcome`, or a message, has named the relay's instance. */
  heardOf(ep: string): void {
    this.#ep = ep;
  }

  /** What the operator's door asks for (AD17); `undefined` where the page gives none. Rejects as `askForJwt`. */
  async jwt(): Promise<string | undefined> {
    const { admission, ring } = this.#options;
    return admission && (await askForJwt(admission, await ring.host.jwtRoom()));
  }

  /** What is shown beside the token: a host's claim, a JWT. */
  async companions(nowS: number): Promise<readonly string[]> {
    const { ring, self } = this.#options;
    const [claim, jwt] = await Promise.all([ring.host.claim(self, nowS), this.jwt()]);
    return [claim, jwt && JWT_SUBPROTOCOL_PREFIX + jwt].filter((companion) => companion !== undefined);
  }

  async receive({ method, params }: HostNotification): Promise<void> {
    const { ring, self, onEvent, onDropped } = this.#options;
    switch (method) {
      case 'waiting':
        if (params.peer_id === self && params.room_id === ring.roomId) onEvent({ type: 'waiting' });
        else onDropped('relay-mismatch');
        return;
      case 'door_changed':
        return onEvent({ type: 'door-changed', door: params.door });
      case 'peer_knocked': {
        const name = await ring.host.openNote(params.peer_id, params.note);
        return onEvent({ type: 'peer-knocked', peerId: params.peer_id, name });
      }
      case 'knock_ended':
        return onEvent({ type: 'knock-ended', peerId: params.peer_id });
      case 'peer_kicked':
        return this.takeKick(params.statement);
    }
  }

  /** From the relay, or sealed from whomever: it counts because the host has signed it. */
  async takeKick(statement: string): Promise<void> {
    const { ring, refuse, onEvent, onDropped } = this.#options;
    const peerId = await ring.host.kicked(statement);
    if (peerId === undefined) return onDropped('not-the-host');
    refuse(peerId);
    onEvent({ type: 'peer-kicked', peerId });
  }

  async knock(name: string): Promise<void> {
    const { ring, self, relay } = this.#options;
    relay()?.knock(await ring.host.sealNote(self, name));
  }

  act({ action, target, to }: Extract<Effect, { type: 'act-as-host' }>): void {
    const { onDropped } = this.#options;
    this.#work = this.#work.then(() => this.#act(action, target, to)).catch(() => onDropped('host-failed'));
  }

  async #act(action: HostAction, target: PeerId | undefined, to: readonly PeerId[]): Promise<void> {
    const { relay, send, onDropped } = this.#options;
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const statement = await this.#say(action, target);
      if (statement === undefined) return onDropped('not-the-host');
      // A kick is the host's word for its guests as well, and needs no relay to be true.
      if (action === 'kick' && tries === 1) {
        for (const peerId of to) send(peerId, { type: 'kick', statement });
        await this.takeKick(statement);
      }
      const answer = await relay()?.sayAsHost(statement);
      if (!answer) return onDropped('relay-away');
      const stale = answer.type === 'error' && answer.reason === 'host-stale' ? answer.data : undefined;
      if (!stale) return;
      this.#ep = stale.ep ?? this.#ep;
      this.#aheadS = stale.now === undefined ? 0 : stale.now - Math.floor(this.#options.ring.now() / 1000);
    }
  }

  #say(action: HostAction, target: PeerId | undefined): Promise<string | undefined> {
    const { ring, self } = this.#options;
    const nowS = Math.floor(ring.now() / 1000) + this.#aheadS;
    return ring.host.say({ action, from: self, target, ep: this.#ep, nowS });
  }
}
