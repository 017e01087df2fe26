/**
 * What goes over the loopback, as the wire has it: read from a raw socket (packet(7)), which root alone may open. A few lines of
 * Python, for Node has no raw sockets; where either is missing, `undefined`.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Each datagram is preceded by its length and its two ports, without headers. Every packet passes twice: out, and in. */
const PROGRAM = `
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
s.bind(('lo', 0))
out = sys.stdout.buffer
out.write(struct.pack('>II', 0, 0))
out.flush()
while True:
    data, address = s.recvfrom(65535)
    if address[2] == 4:
        continue
    ip = data[14:]
    if len(ip) < 48:
        continue
    if ip[0] >> 4 == 4 and ip[9] == 17:
        udp = ip[(ip[0] & 15) * 4:]
    elif ip[0] >> 4 == 6 and ip[6] == 17:
        udp = ip[40:]
    else:
        continue
    body = udp[8:]
    out.write(struct.pack('>I', len(body)) + udp[:4] + body)
    out.flush()
`;
const LENGTH_BYTES = 4;
const HEAD_BYTES = LENGTH_BYTES + 4;

export type Packet = { readonly from: number; readonly to: number; readonly body: Buffer };

export type Capture = {
  /** Bodies of all datagrams so far. */
  datagrams(): readonly Buffer[];
  /** The same, with their ports. */
  packets(): readonly Packet[];
  stop(): Promise<void>;
};

export async function captureLoopback(): Promise<Capture | undefined> {
  const child = spawn('python3', ['-c', PROGRAM], { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  const packets: Packet[] = [];
  let rest = Buffer.alloc(0);
  let hasBegun = false;
  const begun = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= HEAD_BYTES) {
        const end = HEAD_BYTES + rest.readUInt32BE(0);
        if (rest.length < end) break;
        const [from, to] = [rest.readUInt16BE(LENGTH_BYTES), rest.readUInt16BE(LENGTH_BYTES + 2)];
        if (hasBegun) packets.push({ from, to, body: rest.subarray(HEAD_BYTES, end) });
        hasBegun = true;
        rest = rest.subarray(end);
        resolve();
      }
    });
  });
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.on('exit', killAtExit);
  const stop = async (): Promise<void> => {
    process.off('exit', killAtExit);
    child.kill('SIGKILL');
    await gone;
  };
  await Promise.race([begun, gone]);
  if (hasBegun) return { packets: () => packets, datagrams: () => packets.map(({ body }) => body), stop };
  await stop();
  return undefined;
}

/** One datagram to nobody, over the loopback. */
export async function sendOnLoopback(body: Buffer): Promise<void> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  await new Promise<void>((resolve, reject) => {
    socket.send(body, socket.address().port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
  });
  socket.close();
}
