/** One client's socket at a real relay: what came in, in order, and waiting for it with a deadline. */
import assert from 'node:assert/strict';
import type { PeerId, RoomId } from '../../src/engine/protocol/ids.ts';
import { RELAY_PATH, formatRequest, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { RelayMessage, RelayNotification, RpcId, Welcome } from '../../src/engine/protocol/relay.ts';
import { offerFor, randomPeerId } from './tokens.ts';
import type { TestRoom } from './tokens.ts';

const DEADLINE_MS = 10_000;

type NotificationParams = { [N in RelayNotification as N['method']]: N['params'] };
type Answer = Extract<RelayMessage, { type: 'result' | 'error' }>;

export type Closed = { readonly code: number; readonly reason: string };

export class RelayClient {
  readonly socket: WebSocket;
  /** Texts that nobody has waited for yet. */
  readonly inbox: string[] = [];
  #closed: Closed | undefined;
  readonly #watchers = new Set<() => void>();

  constructor(url: string, protocols: readonly string[]) {
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}${RELAY_PATH}`, [...protocols]);
    this.socket.addEventListener('message', (event: MessageEvent<unknown>) => {
      this.inbox.push(String(event.data));
      this.#wake();
    });
    this.socket.addEventListener('close', ({ code, reason }) => {
      this.#closed = { code, reason };
      this.#wake();
    });
    // The close event that follows says all there is to know.
    this.socket.addEventListener('error', () => undefined);
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.socket.send(data);
  }

  /** The first text that fits, taken out of the inbox. Rejects at the deadline, and when the socket ends before. */
  async text(fits: (text: string) => boolean, what: string): Promise<string> {
    return await this.#until(what, () => {
      const index = this.inbox.findIndex(fits);
      if (index >= 0) return this.inbox.splice(index, 1)[0];
      if (this.#closed) throw new Error(`closed with ${this.#closed.code} ${this.#closed.reason} before ${what}`);
      return undefined;
    });
  }

  async message(fits: (message: RelayMessage) => boolean, what: string): Promise<RelayMessage> {
    const text = await this.text((candidate) => {
      const message = parseRelayText(candidate);
      return message !== undefined && fits(message);
    }, what);
    return parseRelayText(text) as RelayMessage;
  }

  async notification<M extends keyof NotificationParams>(method: M): Promise<NotificationParams[M]> {
    const message = await this.message((one) => one.type === 'notification' && one.method === method, method);
    return (message as RelayNotification).params as NotificationParams[M];
  }

  async answer(id: RpcId | null): Promise<Answer> {
    const message = await this.message((one) => one.type !== 'notification' && one.id === id, `the answer to ${id}`);
    return message as Answer;
  }

  /** How the socket ended. */
  async closed(): Promise<Closed> {
    return await this.#until('the end of the socket', () => this.#closed);
  }

  async close(): Promise<void> {
    this.socket.close(1000);
    await this.closed();
  }

  async #until<T>(what: string, look: () => T | undefined): Promise<T> {
    const found = look();
    if (found !== undefined) return found;
    let stop = (): void => undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), DEADLINE_MS);
        const watcher = (): void => {
          try {
            const value = look();
            if (value === undefined) return;
            // At once: another text may come before whoever waits goes on, and would be taken out for nobody.
            this.#watchers.delete(watcher);
            resolve(value);
          } catch (error) {
            reject(error);
          }
        };
        this.#watchers.add(watcher);
        stop = () => {
          clearTimeout(timer);
          this.#watchers.delete(watcher);
        };
      });
    } finally {
      stop();
    }
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A client that was let in. */
export type Guest = {
  readonly client: RelayClient;
  readonly peerId: PeerId;
  readonly roomId: RoomId;
  readonly welcome: Welcome;
};

export type EnterOptions = { readonly peerId?: PeerId; readonly joinNumber?: number };

/** Connects with a good token and waits for `welcome`. */
export async function enter(url: string, room: TestRoom, options: EnterOptions = {}): Promise<Guest> {
  const peerId = options.peerId ?? randomPeerId();
  const client = new RelayClient(url, await offerFor(room, { peerId, joinNumber: options.joinNumber ?? 0 }));
  const welcome = await client.notification('welcome');
  return { client, peerId, roomId: room.roomId, welcome };
}

/** The text of a `relay_message` from one guest to another. */
export function messageText(from: Guest, target: PeerId, payload: string, id?: RpcId): string {
  const params = { target_peer_id: target, room_id: from.roomId, payload };
  return formatRequest({ method: 'relay_message', params }, id);
}

/** A message of the one still reaches the other, and is acknowledged. */
export async function assertUsable(from: Guest, to: Guest): Promise<void> {
  from.client.send(messageText(from, to.peerId, 'still-here', 'usable'));
  const message = await to.client.message(
    (one) => one.type === 'notification' && one.method === 'relay_message' && one.params.payload === 'still-here',
    'a message in a room that is still usable',
  );
  assert.ok(message.type === 'notification' && message.method === 'relay_message');
  assert.equal(message.params.sender_peer_id, from.peerId);
  assert.equal((await from.client.answer('usable')).type, 'result');
}
