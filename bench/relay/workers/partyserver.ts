/** partyserver as its documents have it, with hibernation: a message goes to the connection that is named in it. */
import { Server, routePartykitRequest } from 'partyserver';
import type { Connection } from 'partyserver';

type Env = { readonly ROOMS: DurableObjectNamespace<RoomObject> };
type Message = { readonly to: string; readonly payload: string };

export class RoomObject extends Server<Env> {
  static override options = { hibernate: true };

  override onMessage(connection: Connection, data: string): void {
    const { to, payload } = JSON.parse(data) as Message;
    this.getConnection(to)?.send(JSON.stringify({ from: connection.id, payload }));
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    if (new URL(request.url).pathname === '/healthz') return new Response();
    return (await routePartykitRequest(request, { ...env })) ?? new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Env>;
