/** Frames of a WebSocket client, made by hand for what a whole client would never send (RFC 6455 §5.2). */
import type { Socket } from 'node:net';

export type RawFrame = {
  /** At most 125 bytes, or up to 65,535. */
  readonly payload: Uint8Array;
  /** 1 for text, where nothing is said; 0 goes on with what was begun. */
  readonly opcode?: number;
  readonly isFinal?: boolean;
};

/** Masked with zeros, as a client's frames must be. */
export function sendFrames(socket: Socket, frames: readonly RawFrame[]): void {
  for (const { payload, opcode = 1, isFinal = true } of frames) {
    const isShort = payload.length < 126;
    const head = Buffer.alloc((isShort ? 2 : 4) + 4);
    head[0] = (isFinal ? 0x80 : 0) | opcode;
    head[1] = 0x80 | (isShort ? payload.length : 126);
    if (!isShort) head.writeUInt16BE(payload.length, 2);
    socket.write(Buffer.concat([head, payload]));
  }
}
