/**
 * A WebSocket client that costs next to nothing, so that the relays are what is measured: no events, no copies of what
 * comes in, frames made beforehand. Masked with zeros, as RFC 6455 §5.3 lets nobody forbid: a server unmasks all the same.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

const HOST = '127.0.0.1';
const HEAD_END = '\r\n\r\n';
const READ_BYTES = 256 * 1024;
const FINAL_TEXT = 0x81;
const MASKED = 0x80;
const LENGTH_16 = 126;
/** Every frame of ours says its length in 16 bits, or in the first byte alone; then come four of the mask. */
const MASK_BYTES = 4;

/** One for all: what is read is looked at before the next read. */
const shared = Buffer.allocUnsafe(READ_BYTES);

/** `bytes` from `start` to `end` is one text. They are overwritten afterwards. */
export type OnText = (bytes: Buffer, start: number, end: number) => void;

export type RawHandshake = { readonly path: string; readonly protocols: readonly string[] };

export class RawSocket {
  readonly #socket: Socket;
  readonly #onText: OnText;
  #carry: Buffer = Buffer.alloc(0);

  private constructor(port: number, handshake: RawHandshake, onText: OnText, settle: (error?: Error) => void) {
    this.#onText = onText;
    let isOpen = false;
    const read = (count: number): boolean => {
      let bytes = this.#withCarry(count);
      if (!isOpen) {
        const end = bytes.indexOf(HEAD_END);
        if (end < 0) return this.#keep(bytes, 0);
        const status = bytes.toString('latin1', 0, bytes.indexOf('\r'));
        if (!status.includes(' 101 ')) settle(new Error(`refused: ${status}`));
        isOpen = true;
        settle();
        bytes = bytes.subarray(end + HEAD_END.length);
      }
      return this.#keep(bytes, this.#readFrames(bytes));
    };
    this.#socket = connect({
      port,
      host: HOST,
      noDelay: true,
      onread: { buffer: shared, callback: read },
    });
    this.#socket.on('error', (error) => settle(error));
    this.#socket.on('close', () => settle(new Error('closed before it was open')));
    this.#socket.write(handshakeText(handshake));
  }

  /** Resolves once the relay has accepted the socket; rejects for any other answer. */
  static open(port: number, handshake: RawHandshake, onText: OnText): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      const socket: RawSocket = new RawSocket(port, handshake, onText, (error) => {
        // A socket is told of its own opening only after it was made.
        if (error) reject(error);
        else queueMicrotask(() => resolve(socket));
      });
    });
  }

  /** A frame of `textFrame`; the caller leaves it alone from then on. */
  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  #withCarry(count: number): Buffer {
    const fresh = shared.subarray(0, count);
    return this.#carry.length === 0 ? fresh : Buffer.concat([this.#carry, fresh]);
  }

  /** What begins at `from` is no whole frame yet. */
  #keep(bytes: Buffer, from: number): true {
    this.#carry = from === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(from));
    return true;
  }

  /** Where the first frame begins that is not there whole. */
  #readFrames(bytes: Buffer): number {
    let at = 0;
    while (at + 2 <= bytes.length) {
      let start = at + 2;
      let size = bytes[at + 1] ?? 0;
      if (size === LENGTH_16) {
        if (at + 4 > bytes.length) return at;
        size = bytes.readUInt16BE(at + 2);
        start += 2;
      }
      if (start + size > bytes.length) return at;
      if (bytes[at] === FINAL_TEXT) this.#onText(bytes, start, start + size);
      at = start + size;
    }
    return at;
  }
}

/** The frame of a text of up to 65,535 bytes, all of them ASCII. */
export function textFrame(text: string): Buffer {
  const isShort = text.length < LENGTH_16;
  const textAt = (isShort ? 2 : 4) + MASK_BYTES;
  const frame = Buffer.alloc(textAt + text.length);
  frame[0] = FINAL_TEXT;
  frame[1] = MASKED | (isShort ? text.length : LENGTH_16);
  if (!isShort) frame.writeUInt16BE(text.length, 2);
  frame.write(text, textAt, 'latin1');
  return frame;
}

function handshakeText({ path, protocols }: RawHandshake): string {
  const head = [
    `GET ${path} HTTP/1.1`,
    'Host: relay',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...(protocols.length > 0 ? [`Sec-WebSocket-Protocol: ${protocols.join(', ')}`] : []),
  ];
  return head.join('\r\n') + HEAD_END;
}
