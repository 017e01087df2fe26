/** A socket of `RelayRoom` in memory. What the room wrote waits until the test takes it: delivery is explicit. */
import { parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { RelayMessage } from '../../src/engine/protocol/relay.ts';
import type { RoomSocket } from '../../relay-worker/room-socket.ts';

export class MemorySocket implements RoomSocket {
  bufferedAmount = 0;
  /** Set to have `send` throw, as on a socket that is ending. */
  isBroken = false;
  closed: { readonly code: number; readonly reason: string } | undefined;
  #sent: string[] = [];

  send(text: string): void {
    if (this.isBroken || this.closed) throw new Error('the socket is closed');
    this.#sent.push(text);
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }

  /** The texts since the last call. */
  takeTexts(): string[] {
    const texts = this.#sent;
    this.#sent = [];
    return texts;
  }

  /** The messages since the last call; throws for one that a client could not read. */
  take(): RelayMessage[] {
    return this.takeTexts().map((text) => {
      const message = parseRelayText(text);
      if (!message) throw new Error(`the room wrote what no client can read: ${text.slice(0, 200)}`);
      return message;
    });
  }
}
