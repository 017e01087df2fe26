/** What a room is made of and answers with, for those who run it. */
import type { BundleRequest } from '../src/engine/protocol/bundle.ts';
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import type { RoomId } from '../src/engine/protocol/ids.ts';
import { formatError } from '../src/engine/protocol/relay.ts';
import type { ClientRequest, IceServer, RpcId, TurnOffer } from '../src/engine/protocol/relay.ts';
import type { StreamPlace } from '../src/engine/protocol/resume.ts';
import type { TokenClaims } from '../src/engine/protocol/token.ts';
import type { KeptPeer } from './attachment.ts';
import type { Visitor } from './door-book.ts';
import type { HostDeskOptions } from './host-desk.ts';

/** Why somebody is not let in whose token is good. */
export type EntryRefusal = 'room-full' | 'rate-limited' | 'room-locked' | 'kicked' | 'token-invalid';

/** What a peer has shown that comes to a room, and where it is in our messages if it is back (RL21). */
export type Arrival = Visitor & { readonly place?: StreamPlace | undefined };

export type RoomOptions<S> = {
  readonly roomId: RoomId;
  /** Names this instance; after a restart or a sleep it is another, and `n` starts again. */
  readonly ep: string;
  readonly maxPeers: number;
  readonly iceServers: readonly IceServer[];
  /** Said in `welcome`; by whom and how they are issued is not the room's to know (TU1). */
  readonly turn?: TurnOffer | undefined;
  /** When the platform last answered a ping of this socket for us (RL7). */
  answeredAtMs(socket: S): number | undefined;
  /** Keeps what `restore` is to bring back after a sleep. Called before anything that depends on it is told (RL18). */
  save(socket: S, kept: KeptPeer): void;
  /** AD10. Left out: the room has no host. */
  readonly verifyHost?: HostDeskOptions['verify'];
};

/** Whose token a call over HTTP has shown, and by what the room knows that it is that peer's own (AD8). */
export type Caller = Pick<TokenClaims, 'peerId' | 'nonce'>;

/** The answer to a call over HTTP. Without `text` there is none to give (JSON-RPC 2.0 §4.1). */
export type CallAnswer = { readonly text?: string; readonly reason?: RpcErrorReason };

/** The calls that are for sockets and for HTTP alike (RL20). */
export function isBundleRequest(request: ClientRequest): request is BundleRequest {
  return request.method.endsWith('_bundle') || request.method === 'exchange_bundles';
}

export function errorAnswer(id: RpcId | null | undefined, reason: RpcErrorReason): CallAnswer {
  return id === undefined ? {} : { reason, text: formatError(id, reason) };
}
