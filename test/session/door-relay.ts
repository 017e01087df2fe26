/** The relay's own room, in memory, behind the port of a page: what the host says is checked and carried out as on the runtime. */
import assert from 'node:assert/strict';
import { admit, isSignedByHost, parseOffer } from '../../relay-worker/admission.ts';
import { RelayRoom } from '../../relay-worker/relay-room.ts';
import type { RoomSocket } from '../../relay-worker/room-socket.ts';
import type { RelayPort } from '../../src/engine/ports.ts';
import { closeReasonOf } from '../../src/engine/protocol/errors.ts';
import type { CloseReason } from '../../src/engine/protocol/errors.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { formatRequest, parseHandedBundle, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest, RelayNotification } from '../../src/engine/protocol/relay.ts';
import { SUBPROTOCOL } from '../../src/engine/protocol/token.ts';
import type { RelayAnswer, RelaySocketOptions } from '../../src/engine/transport/relay-socket.ts';

class PortSocket implements RoomSocket {
  readonly bufferedAmount = 0;
  readonly options: RelaySocketOptions;
  readonly #answered = new Map<number, (answer: RelayAnswer | undefined) => void>();
  readonly #change: (notification: RelayNotification) => RelayNotification | undefined;
  #isClosed = false;

  constructor(options: RelaySocketOptions, change: PortSocket['change']) {
    this.options = options;
    this.#change = change;
  }

  get change(): (notification: RelayNotification) => RelayNotification | undefined {
    return this.#change;
  }

  send(text: string): void {
    const message = parseRelayText(text);
    assert.ok(message, text);
    if (message.type !== 'notification') return this.#answered.get(Number(message.id))?.(message);
    const changed = this.#change(message);
    if (changed && !this.#isClosed) this.options.onNotification(changed);
  }

  close(code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const reason = closeReasonOf(code);
    if (reason !== undefined && reason !== 'left') this.options.onClosed(reason);
  }

  wait(id: number): Promise<RelayAnswer | undefined> {
    return new Promise((resolve) => this.#answered.set(id, resolve));
  }
}

export class DoorRelay {
  /** What a hostile relay makes of what it tells a page; `undefined` keeps it back. */
  tamper: (notification: RelayNotification) => RelayNotification | undefined = (notification) => notification;
  /** Statements that were said over it. */
  readonly statements: string[] = [];
  /** Everything that was offered beside the token, in order. */
  readonly companions: string[] = [];
  #room: RelayRoom<PortSocket> | undefined;
  readonly #sockets = new Map<PeerId, { readonly socket: PortSocket; readonly options: RelaySocketOptions }>();
  #asked = 0;
  #instances = 0;

  readonly connectRelay = (options: RelaySocketOptions): RelayPort => {
    const socket = new PortSocket(options, (notification) => this.tamper(notification));
    void this.#enter(socket, options);
    const say = (request: ClientRequest, id?: number): void => {
      void this.#room?.receive(socket, formatRequest(request, id), Date.now());
    };
    const ask = async (request: ClientRequest): Promise<RelayAnswer | undefined> => {
      const id = ++this.#asked;
      const answer = socket.wait(id);
      say(request, id);
      return await answer;
    };
    const { roomId: room_id } = options;
    return {
      send: (target_peer_id, payload) => {
        say({ method: 'relay_message', params: { target_peer_id, room_id, payload } });
        return true;
      },
      publish: (bundle) => {
        say({ method: 'publish_bundle', params: { room_id, ...bundle } });
        return true;
      },
      fetchBundle: async (peer_id) => {
        const answer = await ask({ method: 'fetch_bundle', params: { room_id, peer_id } });
        return answer?.type === 'result' ? parseHandedBundle(answer.result) : undefined;
      },
      sayAsHost: (statement) => {
        this.statements.push(statement);
        return ask({ method: 'host_statement', params: { room_id, statement } });
      },
      knock: (note) => void ask({ method: 'knock', params: { room_id, note } }),
      close: () => {
        say({ method: 'leave', params: { room_id } });
        this.#room?.gone(socket, Date.now());
      },
    };
  };

  /** It ends a page's socket for whatever reason it likes, and is deaf to it from then on. */
  shutOut(peerId: PeerId, reason: CloseReason): void {
    const one = this.#sockets.get(peerId);
    if (!one) throw new Error('nobody of this peer id is here');
    this.#room?.gone(one.socket, Date.now());
    one.options.onClosed(reason);
  }

  /** It is started anew: every socket is lost, and everything that it knew. Those named come back in this order. */
  async restart(peerIds: readonly PeerId[]): Promise<void> {
    this.#room = undefined;
    const known = new Map(this.#sockets);
    for (const { options } of known.values()) options.onLost();
    for (const peerId of peerIds) {
      const one = known.get(peerId);
      if (one) await this.#enter(one.socket, one.options);
    }
  }

  async #enter(socket: PortSocket, options: RelaySocketOptions): Promise<void> {
    const nowS = Math.floor(Date.now() / 1000);
    const companions = (await options.companions?.(nowS)) ?? [];
    this.companions.push(...companions);
    const offer = parseOffer([SUBPROTOCOL, await options.token(nowS), ...companions].join(', '));
    const admission = await admit(offer, nowS);
    assert.ok(admission.type === 'admitted', 'a page shows a good token');
    const { roomId, pkHost, peerId, joinNumber, nonce } = admission.claims;
    this.#room ??= new RelayRoom({
      roomId,
      ep: `instance-${++this.#instances}`,
      maxPeers: 8,
      iceServers: [],
      answeredAtMs: () => undefined,
      save: () => {},
      verifyHost: (statement) => isSignedByHost(pkHost, statement),
    });
    const visitor = { proof: nonce, isHost: admission.isHost };
    const refusal = this.#room.refusalOf(peerId, Date.now(), visitor);
    if (refusal) return options.onClosed(refusal);
    this.#sockets.set(peerId, { socket, options });
    this.#room.enter(socket, peerId, joinNumber, Date.now(), visitor);
  }
}
