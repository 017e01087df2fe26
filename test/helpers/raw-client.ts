/**
 * A WebSocket client on a bare TCP socket, for what a whole one does not let a test do or see: to stop reading, and
 * how the relay closed at the moment it did. The runtime does not always end the connection after its close frame,
 * for which a whole client waits before it tells its page (docs/relay-api.md, "How sockets end").
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { RELAY_PATH } from '../../src/engine/protocol/relay.ts';
import type { Closed } from './relay-client.ts';

const DEADLINE_MS = 10_000;
const TEXT_OPCODE = 1;
const CLOSE_OPCODE = 8;
const HEAD_END = '\r\n\r\n';

export type RawClient = {
  readonly socket: Socket;
  /** What the relay answered to the handshake: status line and headers. */
  readonly head: string;
  /** Texts so far. */
  readonly texts: readonly string[];
  /** The first text that fits; rejects at the deadline. */
  readonly heard: (fits: (text: string) => boolean) => Promise<string>;
  /** Resolves at the relay's close frame; rejects at the deadline. */
  readonly closed: () => Promise<Closed>;
  /** Resolves with what `look` finds, once it finds something; rejects at the deadline. */
  readonly until: <T>(what: string, look: (so: RawState) => T | undefined) => Promise<T>;
};

export type RawState = { readonly texts: readonly string[]; readonly closed: Closed | undefined };

/** Resolves once the relay has accepted the WebSocket; rejects for any other answer. */
export async function openRaw(
  port: number,
  protocols: readonly string[],
  headers: readonly string[] = [],
): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  const texts: string[] = [];
  const watchers = new Set<() => void>();
  let received = Buffer.alloc(0);
  let head: string | undefined;
  let closed: Closed | undefined;

  async function until<T>(what: string, look: () => T | undefined): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), DEADLINE_MS);
      const watcher = (): void => {
        const value = look();
        if (value === undefined) return;
        clearTimeout(timer);
        watchers.delete(watcher);
        resolve(value);
      };
      watchers.add(watcher);
      watcher();
    });
  }

  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (head === undefined) {
      const end = received.indexOf(HEAD_END);
      if (end < 0 || !received.toString('latin1').startsWith('HTTP/1.1 101 ')) return;
      head = received.toString('latin1', 0, end);
      received = received.subarray(end + HEAD_END.length);
    }
    for (let frame = readFrame(received); frame; frame = readFrame(received)) {
      received = received.subarray(frame.length);
      if (frame.opcode === TEXT_OPCODE) texts.push(frame.payload.toString());
      if (frame.opcode === CLOSE_OPCODE) {
        closed = { code: frame.payload.readUInt16BE(0), reason: frame.payload.subarray(2).toString() };
      }
    }
    for (const watcher of [...watchers]) watcher();
  });
  socket.write(handshake(protocols, headers));
  const answered = await until('the handshake', () => head);
  return {
    socket,
    head: answered,
    texts,
    heard: (fits) => until('a text', () => texts.find(fits)),
    closed: () => until('the close frame', () => closed),
    until: (what, look) => until(what, () => look({ texts, closed })),
  };
}

function handshake(protocols: readonly string[], headers: readonly string[]): string {
  const head = [
    `GET ${RELAY_PATH} HTTP/1.1`,
    'Host: relay',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: ${protocols.join(', ')}`,
    ...headers,
  ];
  return head.join('\r\n') + HEAD_END;
}

type Frame = { readonly opcode: number; readonly payload: Buffer; readonly length: number };

/** One frame of a server (RFC 6455 §5.2: never masked; the relay sends none above 64 KiB and no fragments). */
function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 4) return undefined;
  const short = bytes.readUInt8(1);
  const payloadAt = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < payloadAt) return undefined;
  const size = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const length = payloadAt + size;
  if (bytes.length < length) return undefined;
  return { opcode: bytes.readUInt8(0) & 15, payload: bytes.subarray(payloadAt, length), length };
}
