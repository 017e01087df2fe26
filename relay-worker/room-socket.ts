/** What the room needs of a WebSocket, and how it deals with one that is ending. */
import { utf8Length } from '../src/engine/protocol/bytes.ts';
import { CLOSE_CODES } from '../src/engine/protocol/errors.ts';
import type { CloseReason } from '../src/engine/protocol/errors.ts';
import { TEXT_CLOSE_BYTES } from './limits.ts';

/**
 * LM9: how the relay ends a socket that has been silent for too long. Its peer is gone and will not read this; one that
 * only slept takes it for any other loss (RFC 6455 §7.4.1: "going away"), and comes back.
 */
export const SILENT_CLOSE = { code: 1001, reason: 'silent' } as const;

export type SocketEnd = CloseReason | typeof SILENT_CLOSE.reason;

/** The part of a WebSocket that the room needs. `send` may throw on a socket that is ending. */
export type RoomSocket = {
  /** Bytes that wait for the other side to read. */
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code: number, reason: string): void;
};

/** In bytes. A text that is too long by its units alone is not counted any further. */
export function sizeOf(data: string | ArrayBuffer): number {
  if (typeof data !== 'string') return data.byteLength;
  return data.length > TEXT_CLOSE_BYTES ? data.length : utf8Length(data);
}

export function send(socket: RoomSocket, text: string): void {
  try {
    socket.send(text);
  } catch {
    // The socket is ending and will say so itself; the others must not suffer from it.
  }
}

export function closeSocket(socket: RoomSocket, reason: SocketEnd): void {
  try {
    socket.close(reason === SILENT_CLOSE.reason ? SILENT_CLOSE.code : CLOSE_CODES[reason], reason);
  } catch {
    // Already closed.
  }
}
