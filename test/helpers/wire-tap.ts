/**
 * A TCP tap between pages and the relay: passes every byte on and keeps what was said in WebSocket text frames,
 * unmasked (RFC 6455 §5.2). What it has is what a network or the relay itself could have seen. The only bytes it takes away are the
 * offer to compress, which a development server accepts for the relay and which would hide the texts from the test.
 */
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

export type WireTap = {
  readonly url: string;
  /** Texts of all frames so far, in both directions. */
  texts(): readonly string[];
  /** Everything else (handshakes) as text. */
  handshakes(): string;
  close(): Promise<void>;
};

export async function startWireTap(targetPort: number): Promise<WireTap> {
  const texts: string[] = [];
  let handshakes = '';
  const sockets = new Set<Socket>();
  const record = (from: Socket, to: Socket): void => {
    const reader = new FrameReader(
      (text) => texts.push(text),
      (head) => (handshakes += head),
    );
    from.on('data', (chunk: Buffer) => {
      const passed = withoutCompression(chunk);
      reader.push(passed);
      to.write(passed);
    });
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
  };
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    sockets.add(client).add(upstream);
    record(client, upstream);
    record(upstream, client);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    url: `http://127.0.0.1:${address.port}`,
    texts: () => texts,
    handshakes: () => handshakes,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Handshakes of browsers come in one piece; anything else is passed on untouched. */
function withoutCompression(chunk: Buffer): Buffer {
  if (!chunk.subarray(0, 4).equals(Buffer.from('GET '))) return chunk;
  return Buffer.from(chunk.toString('latin1').replace(/^Sec-WebSocket-Extensions:.*\r\n/im, ''), 'latin1');
}

const HEAD_END = '\r\n\r\n';
const TEXT_OPCODE = 1;

/** One direction of one connection: HTTP heads first, frames once the head says that the protocol is upgraded. */
class FrameReader {
  readonly #onText: (text: string) => void;
  readonly #onHead: (head: string) => void;
  #bytes = Buffer.alloc(0);
  #isUpgraded = false;
  #isPlain = false;

  constructor(onText: (text: string) => void, onHead: (head: string) => void) {
    this.#onText = onText;
    this.#onHead = onHead;
  }

  push(chunk: Buffer): void {
    if (this.#isPlain) return;
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#isUpgraded && !this.#readHead()) return;
    while (this.#readFrame());
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf(HEAD_END);
    if (end < 0) return false;
    const head = this.#bytes.subarray(0, end).toString('latin1');
    this.#onHead(`${head}\n`);
    this.#isUpgraded = /upgrade: websocket/i.test(head);
    // A file being served: nothing of a room in it.
    this.#isPlain = !this.#isUpgraded;
    this.#bytes = this.#bytes.subarray(end + HEAD_END.length);
    return this.#isUpgraded;
  }

  #readFrame(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < 2) return false;
    const opcode = bytes.readUInt8(0) & 15;
    const second = bytes.readUInt8(1);
    let at = 2;
    let length = second & 127;
    if (length === 126) {
      if (bytes.length < 4) return false;
      length = bytes.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (bytes.length < 10) return false;
      length = Number(bytes.readBigUInt64BE(2));
      at = 10;
    }
    const isMasked = second >= 128;
    const maskAt = at;
    if (isMasked) at += 4;
    if (bytes.length < at + length) return false;
    const payload = Buffer.from(bytes.subarray(at, at + length));
    if (isMasked) for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (bytes[maskAt + (i % 4)] ?? 0);
    if (opcode === TEXT_OPCODE) this.#onText(payload.toString('utf8'));
    this.#bytes = bytes.subarray(at + length);
    return true;
  }
}
