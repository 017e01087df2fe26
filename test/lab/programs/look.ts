/**
 * `WAIT_MS ADDRESS PORT…`: asks the mirrors there, all from one socket, and prints what each has seen and after how many milliseconds as
 * JSON; `null` for those that have not answered in time.
 */
import { createSocket } from 'node:dgram';

const [wait_ms = '', address = '', ...ports] = process.argv.slice(2);
const socket = createSocket('udp4');
const answers = new Map<number, { readonly seen: string; readonly after_ms: number }>();
const start = performance.now();
await new Promise<void>((resolve) => {
  setTimeout(resolve, Number(wait_ms));
  socket.on('message', (packet, from) => {
    answers.set(from.port, { seen: packet.toString(), after_ms: performance.now() - start });
    if (answers.size === ports.length) resolve();
  });
  for (const port of ports) socket.send('?', Number(port), address);
});
const result = JSON.stringify(ports.map((port) => answers.get(Number(port)) ?? null));
process.stdout.write(result, () => process.exit(0));
