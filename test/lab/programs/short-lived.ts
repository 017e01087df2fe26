/** Makes a network, says which processes hold it, and waits to be killed. */
import { makeNetwork } from '../network.ts';

const { server, hosts } = await makeNetwork();
process.stdout.write(`${JSON.stringify([server.pid, hosts.a.pid, hosts.b.pid])}\n`);
setInterval(() => undefined, 60_000);
