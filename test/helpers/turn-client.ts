/**
 * TURN from the client's side as far as tests need it (RFC 8489, RFC 8656): requests over UDP under long-term credentials, each answered by
 * the code that the server gives. No retransmission: it is for the loopback.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';

const MAGIC = 0x2112_a442;
const HEADER_BYTES = 20;
const INTEGRITY_BYTES = 24;
const ANSWER_DEADLINE_MS = 5_000;

const METHODS = { allocate: 0x003, refresh: 0x004, permit: 0x008, connect: 0x00a } as const;
type Method = keyof typeof METHODS;

const ATTRIBUTES = {
  username: 0x0006,
  integrity: 0x0008,
  error: 0x0009,
  lifetime: 0x000d,
  peer: 0x0012,
  realm: 0x0014,
  nonce: 0x0015,
  relayed: 0x0016,
  family: 0x0017,
  transport: 0x0019,
} as const;

export type Login = { readonly username: string; readonly credential: string };

/** 0: success. Otherwise the code of RFC 8489 §14.8 and RFC 8656 §18. */
type Answer = { readonly code: number; readonly attributes: ReadonlyMap<number, Buffer> };

export class TurnClient {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #login: Login;
  #realm: Buffer = Buffer.alloc(0);
  #nonce: Buffer = Buffer.alloc(0);

  constructor(port: number, login: Login) {
    this.#socket = createSocket('udp4');
    this.#port = port;
    this.#login = login;
  }

  /** `ipv6`: a relayed address of that family. */
  async allocate({ ipv6 = false, tcp = false } = {}): Promise<number> {
    const transport: [number, Buffer] = [ATTRIBUTES.transport, Buffer.of(tcp ? 6 : 17, 0, 0, 0)];
    const family: [number, Buffer][] = ipv6 ? [[ATTRIBUTES.family, Buffer.of(2, 0, 0, 0)]] : [];
    return await this.#ask('allocate', [transport, ...family]);
  }

  /** Whether packets may go to this address, and come from it. */
  async permit(address: string, port = 9): Promise<number> {
    return await this.#ask('permit', [[ATTRIBUTES.peer, peerAddress(address, port)]]);
  }

  async refresh(lifetimeS: number): Promise<number> {
    const lifetime = Buffer.alloc(4);
    lifetime.writeUInt32BE(lifetimeS);
    return await this.#ask('refresh', [[ATTRIBUTES.lifetime, lifetime]]);
  }

  close(): void {
    this.#socket.close();
  }

  /** Once more where the server gives a nonce: at first there is none, and later it may be stale. */
  async #ask(method: Method, attributes: readonly (readonly [number, Buffer])[]): Promise<number> {
    let answer = await this.#exchange(method, attributes);
    if (answer.code === 438 || (answer.code === 401 && this.#nonce.length === 0)) {
      this.#realm = answer.attributes.get(ATTRIBUTES.realm) ?? Buffer.alloc(0);
      this.#nonce = answer.attributes.get(ATTRIBUTES.nonce) ?? Buffer.alloc(0);
      answer = await this.#exchange(method, attributes);
    }
    return answer.code;
  }

  async #exchange(method: Method, attributes: readonly (readonly [number, Buffer])[]): Promise<Answer> {
    const id = randomBytes(12);
    const request = this.#format(METHODS[method], id, attributes);
    return await new Promise((resolve, reject) => {
      const onMessage = (data: Buffer): void => {
        const answer = parseAnswer(data, id);
        if (!answer) return;
        end();
        resolve(answer);
      };
      const late = setTimeout(() => {
        end();
        reject(new Error(`no answer to ${method}`));
      }, ANSWER_DEADLINE_MS);
      const end = (): void => {
        clearTimeout(late);
        this.#socket.off('message', onMessage);
      };
      this.#socket.on('message', onMessage);
      this.#socket.send(request, this.#port, '127.0.0.1');
    });
  }

  #format(method: number, id: Buffer, attributes: readonly (readonly [number, Buffer])[]): Buffer {
    const hasNonce = this.#nonce.length > 0;
    const login: readonly (readonly [number, Buffer])[] = hasNonce
      ? [
          [ATTRIBUTES.username, Buffer.from(this.#login.username)],
          [ATTRIBUTES.realm, this.#realm],
          [ATTRIBUTES.nonce, this.#nonce],
        ]
      : [];
    const body = Buffer.concat([...attributes, ...login].map(([type, value]) => attribute(type, value)));
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16BE(method, 0);
    header.writeUInt16BE(body.length + (hasNonce ? INTEGRITY_BYTES : 0), 2);
    header.writeUInt32BE(MAGIC, 4);
    id.copy(header, 8);
    if (!hasNonce) return Buffer.concat([header, body]);
    const { username, credential } = this.#login;
    const key = createHash('md5').update(`${username}:${this.#realm.toString()}:${credential}`).digest();
    const mac = createHmac('sha1', key).update(header).update(body).digest();
    return Buffer.concat([header, body, attribute(ATTRIBUTES.integrity, mac)]);
  }
}

/** Allocates once and says with which code that ended. */
export async function allocateOnce(port: number, login: Login): Promise<number> {
  const client = new TurnClient(port, login);
  try {
    return await client.allocate();
  } finally {
    client.close();
  }
}

function attribute(type: number, value: Buffer): Buffer {
  const padded = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  padded.writeUInt16BE(type, 0);
  padded.writeUInt16BE(value.length, 2);
  value.copy(padded, 4);
  return padded;
}

/** XOR-PEER-ADDRESS, for IPv4 alone. */
function peerAddress(address: string, port: number): Buffer {
  const bytes = address.split('.').map(Number);
  if (bytes.length !== 4) throw new Error('an IPv4 address');
  const value = Buffer.alloc(8);
  value[1] = 1;
  value.writeUInt16BE(port ^ (MAGIC >>> 16), 2);
  value.writeUInt32BE((Buffer.from(bytes).readUInt32BE() ^ MAGIC) >>> 0, 4);
  return value;
}

/** `undefined` for what is no answer to this request. */
function parseAnswer(data: Buffer, id: Buffer): Answer | undefined {
  if (data.length < HEADER_BYTES || !data.subarray(8, HEADER_BYTES).equals(id)) return undefined;
  const attributes = new Map<number, Buffer>();
  for (let at = HEADER_BYTES; at + 4 <= data.length;) {
    const length = data.readUInt16BE(at + 2);
    attributes.set(data.readUInt16BE(at), data.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  const error = attributes.get(ATTRIBUTES.error);
  const code = error ? (error[2] ?? 0) * 100 + (error[3] ?? 0) : 0;
  return { code, attributes };
}
