/**
 * Two people at home, each behind a router of their own, and a server, all on one small internet:
 *
 *     host a ── router a ── weather a ─┐
 *   192.168.1.2    203.0.113.1         ├─ switch ── server 203.0.113.10
 *     host b ── router b ── weather b ─┘
 *   192.168.2.2    203.0.113.2
 *
 * Each is a namespace. What the weather is made of, and why not of `tc netem`: docs/decisions/2026-11-27-lab.md.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { end, openNamespace, readiness } from './namespace.ts';
import type { Namespace } from './namespace.ts';
import type { Weather } from './weather.ts';

/**
 * How a router translates. `cone`: one outer port for one inner port, whomever it talks to, open to those it has sent to. `symmetric`: another
 * port for every destination. `noudp`: a firewall that swallows every UDP packet.
 */
export type Nat = 'cone' | 'symmetric' | 'noudp';
export type Side = 'a' | 'b';
export const SIDES: readonly Side[] = ['a', 'b'];

export const SERVER_ADDRESS = '203.0.113.10';
/** What the routers and the server have; for documentation, and nobody's (RFC 5737). */
export const PUBLIC_RANGE = '203.0.113.0-203.0.113.255';

export type Network = {
  readonly server: Namespace;
  readonly hosts: { readonly [Each in Side]: Namespace };
  /** For connections from now on. */
  setNat(side: Side, nat: Nat): void;
  /** No UDP passes between the two homes, whatever their routers are; the server is reached as before. Until the next `setNat`. */
  setWall(isUp: boolean): void;
  /** Of the line between this side's router and all others, each way. Nothing: no delay but the machine's own, no loss. */
  setWeather(side: Side, weather?: Weather): Promise<void>;
  remove(): Promise<void>;
};

const NUMBERS = { a: 1, b: 2 } as const;
/** UDP with frames of Ethernet in it (VXLAN, RFC 7348): what the weather can hold back, or lose. */
const VXLAN_PORT = 4789;
/** Room for an Ethernet frame of the usual 1500 bytes in a VXLAN packet. */
const CARRIER_MTU = 1600;
/** A packet is a packet: no super-packets, which only the sender's hardware would cut into those that fit. */
const PLAIN = 'gso_max_segs 1';

export async function makeNetwork(): Promise<Network> {
  const opened: Namespace[] = [];
  const programs: ChildProcess[] = [];
  const open = async (): Promise<Namespace> => {
    const namespace = await openNamespace();
    namespace.setting('ipv6/conf/all/disable_ipv6', '1');
    opened.push(namespace);
    return namespace;
  };
  const remove = async (): Promise<void> => {
    await Promise.all(programs.map(end));
    await Promise.all(opened.map((namespace) => namespace.close()));
  };
  try {
    const [hub, server] = [await open(), await open()];
    hub.ip('link add internet type bridge', 'link set internet up');
    hub.ip(`link add server ${PLAIN} type veth peer name wan netns ${server.pid}`);
    hub.ip('link set server master internet up');
    server.ip(`link set wan ${PLAIN} up`, `addr add ${SERVER_ADDRESS}/24 dev wan`);
    fillChecksums(server);
    const home = async (side: Side): Promise<Home> => {
      const namespaces = { weather: await open(), router: await open(), host: await open() };
      const made = await makeHome(hub, NUMBERS[side], namespaces);
      programs.push(made.program);
      return made;
    };
    const homes = { a: await home('a'), b: await home('b') };
    const setNat = (side: Side, nat: Nat): void => translate(homes[side].router, nat);
    for (const side of SIDES) setNat(side, 'cone');
    return {
      server,
      hosts: { a: homes.a.host, b: homes.b.host },
      setNat,
      setWall: (isUp) => {
        for (const side of SIDES) wallOff(homes[side].router, `203.0.113.${NUMBERS[side === 'a' ? 'b' : 'a']}`, isUp);
      },
      setWeather: async (side, weather = {}) => {
        const { program } = homes[side];
        const taken = new Promise((resolve) => program.stdout?.once('data', resolve));
        program.stdin?.write(`${JSON.stringify(weather)}\n`);
        await taken;
      },
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

type Home = { readonly router: Namespace; readonly host: Namespace; readonly program: ChildProcess };

async function makeHome(
  hub: Namespace,
  number: number,
  { weather, router, host }: { readonly [Part in 'weather' | 'router' | 'host']: Namespace },
): Promise<Home> {
  const lan = `192.168.${number}`;
  router.ip(`link add lan ${PLAIN} type veth peer name lan netns ${host.pid}`);
  router.ip('link set lan up', `addr add ${lan}.1/24 dev lan`);
  host.ip(`link set lan ${PLAIN} up`, `addr add ${lan}.2/24 dev lan`, `route add default via ${lan}.1`);
  router.setting('ipv4/ip_forward', '1');
  // the two carriers, and at the far end of each the frames that travel in it
  const ends = [
    { at: hub, carrier: `below${number}`, line: `line${number}`, subnet: `10.9.${number}` },
    { at: router, carrier: 'below', line: 'wan', subnet: `10.10.${number}` },
  ];
  for (const { at, carrier, line, subnet } of ends) {
    at.ip(
      `link add ${carrier} mtu ${CARRIER_MTU} type veth peer name ${carrier} netns ${weather.pid}`,
      `link set ${carrier} up`,
      `addr add ${subnet}.2/24 dev ${carrier}`,
      `link add ${line} mtu 1500 ${PLAIN} type vxlan id ${number} local ${subnet}.2 remote ${subnet}.1 dstport ${VXLAN_PORT}`,
      `link set ${line} up`,
    );
    weather.ip(`link set ${carrier} mtu ${CARRIER_MTU} up`, `addr add ${subnet}.1/24 dev ${carrier}`);
  }
  hub.ip(`link set line${number} master internet`);
  router.ip(`addr add 203.0.113.${number}/24 dev wan`);
  fillChecksums(router);
  const file = fileURLToPath(new URL('programs/weather.ts', import.meta.url));
  const places = ends.map(({ subnet }) => `${subnet}.1 ${subnet}.2`.split(' ')).flat();
  const [program = '', ...parameters] = [...weather.enter, process.execPath, file, String(VXLAN_PORT), ...places];
  const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
  await readiness(child, 'the weather');
  return { router, host, program: child };
}

/** Between namespaces checksums are left to hardware that is not there, and a program that passes frames on would pass them on wrong. */
function fillChecksums(namespace: Namespace): void {
  namespace.iptables('-t mangle -A POSTROUTING -o wan -j CHECKSUM --checksum-fill');
}

function translate(router: Namespace, nat: Nat): void {
  router.iptables('-t nat -F POSTROUTING', '-F FORWARD', '-F INPUT');
  if (nat === 'symmetric') router.iptables('-t nat -A POSTROUTING -o wan -p udp -j MASQUERADE --random-fully');
  if (nat === 'noudp') router.iptables('-A FORWARD -p udp -j DROP');
  router.iptables('-t nat -A POSTROUTING -o wan -j MASQUERADE');
  // A packet that nobody here has asked for would else have a connection of its own, whose port then is not free for ours.
  router.iptables('-A INPUT -i wan -j DROP');
}

function wallOff(router: Namespace, address: string, isUp: boolean): void {
  for (const end of ['-d', '-s']) router.iptables(`${isUp ? '-I' : '-D'} FORWARD -p udp ${end} ${address} -j DROP`);
}
