/**
 * The floor: the least that a room on the platform's hibernating sockets can do. Reads who is meant, passes the rest on
 * with the sender's name; lets everybody in, checks nothing, limits nothing.
 */
import { DurableObject } from 'cloudflare:workers';

type Env = { readonly ROOMS: DurableObjectNamespace<RoomObject> };
type Message = { readonly to: string; readonly payload: string };

export class RoomObject extends DurableObject<Env> {
  readonly #sockets = new Map<string, WebSocket>();
  readonly #peers = new Map<WebSocket, string>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
    for (const socket of ctx.getWebSockets()) this.#add(socket, socket.deserializeAttachment() as string);
  }

  override fetch(request: Request): Response {
    const peer = new URL(request.url).searchParams.get('peer') ?? '';
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment(peer);
    this.#add(server, peer);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(socket: WebSocket, data: string): void {
    const { to, payload } = JSON.parse(data) as Message;
    this.#sockets.get(to)?.send(JSON.stringify({ from: this.#peers.get(socket), payload }));
  }

  override webSocketClose(socket: WebSocket): void {
    this.#sockets.delete(this.#peers.get(socket) ?? '');
    this.#peers.delete(socket);
    socket.close(1000);
  }

  #add(socket: WebSocket, peer: string): void {
    this.#sockets.set(peer, socket);
    this.#peers.set(socket, peer);
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === '/healthz') return new Response();
    return await env.ROOMS.get(env.ROOMS.idFromName(pathname)).fetch(request);
  },
} satisfies ExportedHandler<Env>;
