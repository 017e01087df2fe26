/**
 * Delay and loss in user space: passes VXLAN packets on between two ends, `PORT NEAR PEER NEAR PEER`: our own address and the peer's, at
 * each end. A line of JSON (`Weather`) on standard input changes what holds from then on, and is answered with `taken`.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { createInterface } from 'node:readline';
import type { Weather } from '../weather.ts';

/** Of a socket: a burst that is not read in time is no loss that was asked for. */
const BUFFER_BYTES = 4_194_304;

const [port_ = '', ...addresses] = process.argv.slice(2);
const port = Number(port_);
let weather: Weather = {};

class Line {
  readonly #out: Socket;
  readonly #peer: string;
  readonly #waiting: { readonly due: number; readonly packet: Buffer }[] = [];
  #lastDue = 0;

  constructor(out: Socket, peer: string) {
    this.#out = out;
    this.#peer = peer;
  }

  pass(packet: Buffer): void {
    const { delay_ms = 0, jitter_ms = 0, loss = 0 } = weather;
    if (Math.random() < loss) return;
    this.#lastDue = Math.max(this.#lastDue, performance.now() + delay_ms + Math.random() * jitter_ms);
    this.#waiting.push({ due: this.#lastDue, packet });
    if (this.#waiting.length === 1) this.#sendDue();
  }

  /** One queue with one timer: timers of different lengths that end together have no order. */
  #sendDue(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (!next) return;
      const wait_ms = next.due - performance.now();
      if (wait_ms > 0) {
        setTimeout(() => this.#sendDue(), wait_ms);
        return;
      }
      this.#waiting.shift();
      this.#out.send(next.packet, port, this.#peer);
    }
  }
}

function bind(address: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES });
  return new Promise((resolve) => {
    socket.bind(port, address, () => resolve(socket));
  });
}

const [nearA = '', peerA = '', nearB = '', peerB = ''] = addresses;
const [a, b] = [await bind(nearA), await bind(nearB)];
const [toA, toB] = [new Line(a, peerA), new Line(b, peerB)];
a.on('message', (packet) => toB.pass(packet));
b.on('message', (packet) => toA.pass(packet));
const lines = createInterface(process.stdin);
lines.on('line', (line) => {
  weather = JSON.parse(line) as Weather;
  process.stdout.write('taken\n');
});
lines.on('close', () => process.exit(0));
process.stdout.write('ready\n');
