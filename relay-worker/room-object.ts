/**
 * The Durable Object of one room: a shell around `RelayRoom` that puts it on the platform's hibernating sockets.
 *
 * It touches no storage, sets no timer or alarm, awaits nothing but a host's signature, and logs nothing: what must outlive its sleep is in
 * the sockets' attachments, and everything else dies with it.
 */
import { DurableObject } from 'cloudflare:workers';
import { toBase64Url } from '../src/engine/protocol/bytes.ts';
import { CLOSE_CODES } from '../src/engine/protocol/errors.ts';
import { PING_TEXT, PONG_TEXT } from '../src/engine/protocol/relay.ts';
import { SUBPROTOCOL } from '../src/engine/protocol/token.ts';
import type { TokenClaims } from '../src/engine/protocol/token.ts';
import { isSignedByHost } from './admission.ts';
import { formatAttachment, parseAttachment } from './attachment.ts';
import type { RelayEnv } from './env.ts';
import { iceOffer } from './ice.ts';
import { parseMaxPeers } from './limits.ts';
import { RelayRoom } from './relay-room.ts';
import type { CallAnswer, Caller } from './relay-room.ts';
import { parseEntry, refusalAnswer } from './room-entry.ts';

const EPOCH_BYTES = 9;

/** The room's id commits to its host's key: one never comes with another. */
type RoomKeysOf = Pick<TokenClaims, 'roomId' | 'pkHost'>;

export class RoomObject extends DurableObject<RelayEnv> {
  readonly #ep = toBase64Url(crypto.getRandomValues(new Uint8Array(EPOCH_BYTES)));
  #room: RelayRoom<WebSocket> | undefined;

  constructor(ctx: DurableObjectState, env: RelayEnv) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING_TEXT, PONG_TEXT));
    for (const socket of ctx.getWebSockets()) {
      // The platform may still list sockets that we have closed; those are not in the room any more.
      if (socket.readyState !== WebSocket.OPEN) continue;
      const attachment = parseAttachment(socket.deserializeAttachment());
      if (!attachment) continue;
      this.#roomOf(attachment).restore(socket, attachment);
    }
  }

  /** Only the Worker can call this, and it has checked the token of the request that it passes on. */
  override fetch(request: Request): Response {
    const entry = parseEntry(request);
    if (!entry) return new Response(null, { status: 400 });
    const { claims, arrival } = entry;
    const room = this.#roomOf(claims);
    const nowMs = Date.now();
    const refusal = room.refusalOf(claims.peerId, nowMs, arrival);
    if (refusal) return refusalAnswer(refusal);
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    room.enter(server, claims.peerId, claims.joinNumber, nowMs, arrival);
    // OP3: nobody was here. The Worker counts the socket.
    if (this.ctx.getWebSockets().length === 1) this.env.COUNTERS?.writeDataPoint({ blobs: ['room'], doubles: [1] });
    return new Response(null, { status: 101, webSocket: client, headers: { 'Sec-WebSocket-Protocol': SUBPROTOCOL } });
  }

  /** RL20. Only the Worker can call this, and it has checked the token that names room and peer. */
  handleCall(claims: RoomKeysOf & Caller, text: string): CallAnswer {
    return this.#roomOf(claims).call(claims, text, Date.now());
  }

  /** Awaits one thing: a signature, where somebody speaks as the room's host. */
  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void | Promise<void> {
    return this.#room?.receive(socket, data, Date.now());
  }

  override webSocketClose(socket: WebSocket): void {
    this.#room?.gone(socket, Date.now());
    // The platform leaves the answer to a client's close frame to us; without it the client waits for its timeout.
    if (socket.readyState !== WebSocket.CLOSED) socket.close(CLOSE_CODES.left, 'left');
  }

  override webSocketError(socket: WebSocket): void {
    this.#room?.gone(socket, Date.now());
  }

  #roomOf({ roomId, pkHost }: RoomKeysOf): RelayRoom<WebSocket> {
    const hasHost = pkHost.some((byte) => byte !== 0);
    this.#room ??= new RelayRoom({
      roomId,
      ep: this.#ep,
      maxPeers: parseMaxPeers(this.env.MAX_PEERS),
      ...iceOffer(this.env),
      save: (socket, kept) => socket.serializeAttachment(formatAttachment({ ...kept, roomId, pkHost })),
      ...(hasHost && { verifyHost: (statement) => isSignedByHost(pkHost, statement) }),
      answeredAtMs: (socket) => this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime(),
    });
    return this.#room;
  }
}
