/** `ADDRESS PORT…`: answers every datagram with where it came from. */
import { createSocket } from 'node:dgram';

const [address = '', ...ports] = process.argv.slice(2);
const bound = ports.map(
  (port) =>
    new Promise<void>((resolve) => {
      const socket = createSocket('udp4');
      socket.on('message', (_packet, from) => socket.send(`${from.address}:${from.port}`, from.port, from.address));
      socket.bind(Number(port), address, resolve);
    }),
);
await Promise.all(bound);
process.stdin.on('data', () => undefined).on('close', () => process.exit(0));
process.stdout.write('ready\n');
