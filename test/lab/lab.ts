/**
 * The whole lab: the relay and coturn on the server of a small internet (`network.ts`), a page on another origin beside them, and at
 * each of two homes a real browser. The relay issues coturn's credentials, as an operator would have it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { browserPath, launchBrowser } from '../helpers/browsers.ts';
import type { BrowserName, TestBrowser, TestPage } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage } from '../helpers/call.ts';
import { makeCertificate, startCoturn } from '../helpers/coturn.ts';
import { serveHostSite } from '../helpers/host-page.ts';
import { findFreePort, startRelayProcess } from '../helpers/relay-process.ts';
import { withScripts } from '../helpers/sealed-call.ts';
import { openGate, passAll, reachPorts } from './gate.ts';
import { journalScript } from './journal.ts';
import { PUBLIC_RANGE, SERVER_ADDRESS, SIDES, makeNetwork } from './network.ts';
import type { Nat, Network, Side } from './network.ts';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const RELAY_PORT = 443;
const SITE_PORT = 8443;
/** Enough to see that it moves: two processors code and draw the pictures of two people. */
const CAMERA_FPS = 10;
/** How the machine's tools are looked at: a namespace with all that the lab makes, tried once. */
const PROBE = [
  'ip link add v0 type veth',
  'ip link add v2 type bridge',
  'ip link add v3 type vxlan id 1 remote 127.0.0.1 local 127.0.0.1 dstport 4789',
  'iptables -t nat -A POSTROUTING -o v0 -p udp -j MASQUERADE --random-fully',
  'iptables -t mangle -A POSTROUTING -o v0 -j CHECKSUM --checksum-fill',
].join(' && ');

/** Why there can be no lab here, in a sentence; `undefined` where there can. */
export function labObstacle(): string | undefined {
  const needs = 'The lab needs Linux, root, iproute2, iptables, and a kernel with veth, bridge, vxlan and NAT';
  if (process.platform !== 'linux') return `${needs}; this is ${process.platform}.`;
  if (process.getuid?.() !== 0) return `${needs}; this is not root.`;
  try {
    execFileSync('unshare', ['--net', 'sh', '-c', PROBE], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const { stderr } = error as { readonly stderr?: Buffer };
    return `${needs}; here: ${stderr?.toString().trim().split('\n')[0] ?? String(error)}.`;
  }
}

/** `/single`: its browser makes no connection that goes through a TURN host alone. So there is no standby, and stock ICE has to do. */
export type LabPath = '/' | '/single';

const SINGLE = `<script>(${(() => {
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      if (configuration?.iceTransportPolicy === 'relay') throw new Error('one connection is enough');
      super(configuration);
    }
  };
}).toString()})()</script>`;

export type Lab = {
  readonly network: Network;
  /** The one at `a` is in the room already when the one at `b` clicks on Join. */
  meet(nats: { readonly [Each in Side]: Nat }, path?: LabPath): Promise<{ readonly [Each in Side]: TestPage }>;
  /** The TURN host dies. */
  killTurn(): Promise<void>;
  /** Closes every page opened since the last call. */
  clear(): Promise<void>;
  close(): Promise<void>;
};

export async function setLab(names: { readonly [Each in Side]: BrowserName }): Promise<Lab> {
  if (!existsSync(join(DIST, 'tai.js'))) throw new Error('dist/ is missing: run `npm run build` first');
  const stack = new AsyncDisposableStack();
  try {
    const folder = mkdtempSync(join(tmpdir(), 'tai-lab-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const network = stack.adopt(await makeNetwork(), ({ remove }) => remove());
    const [killTurn, a, b] = await Promise.all([
      startServer(stack, network, folder),
      startBrowser(stack, network, folder, 'a', names.a),
      startBrowser(stack, network, folder, 'b', names.b),
    ]);
    return at(network, { a, b }, { killTurn, close: () => stack.disposeAsync() });
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

function at(
  network: Network,
  browsers: { readonly [Each in Side]: TestBrowser },
  ends: Pick<Lab, 'killTurn' | 'close'>,
): Lab {
  let pages: TestPage[] = [];
  const open = async (side: Side, url: string): Promise<TestPage> => {
    const page = await browsers[side].newPage();
    pages.push(page);
    await page.goto(url);
    return page;
  };
  return {
    network,
    meet: async (nats, path = '/') => {
      for (const side of SIDES) network.setNat(side, nats[side]);
      const a = await open('a', `https://${SERVER_ADDRESS}:${SITE_PORT}${path}`);
      await joinByClick(a);
      const b = await open('b', await inviteOf(a));
      await joinByClick(b);
      return { a, b };
    },
    clear: async () => {
      const closing = pages;
      pages = [];
      await Promise.all(closing.map((page) => page.close()));
    },
    ...ends,
  };
}

/** Returns the way to end its TURN host. */
async function startServer(stack: AsyncDisposableStack, { server }: Network, folder: string): Promise<Lab['killTurn']> {
  const { enter } = server;
  const [relayPort, turnPort] = [await findFreePort(), await findFreePort()];
  const relayUrl = `https://${SERVER_ADDRESS}`;
  const pages = {
    '/': { html: withScripts(roomPage(relayUrl), journalScript()) },
    '/single': { html: withScripts(roomPage(relayUrl), SINGLE, journalScript()) },
  } satisfies { readonly [Path in LabPath]: object };
  const site = stack.adopt(await serveHostSite(pages), (served) => served.close());
  const sitePath = join(folder, 'site');
  const toSite = { host: '127.0.0.1', port: Number(new URL(site.url).port) };
  stack.adopt(await passAll({ path: sitePath }, toSite), (gate) => gate.close());
  const ports = [{ port: relayPort }, { port: turnPort, host: SERVER_ADDRESS }];
  stack.adopt(await reachPorts(server, ports, folder), (gate) => gate.close());
  const elsewhere = { enter, address: SERVER_ADDRESS, port: turnPort, peers: PUBLIC_RANGE };
  const coturn = stack.adopt(await startCoturn({ elsewhere }), ({ stop }) => stop());
  const vars = { TURN_URLS: JSON.stringify(coturn.urls), TURN_SECRET: coturn.secret };
  const relay = await startRelayProcess({ port: relayPort, assets: DIST, vars, enter });
  stack.defer(() => relay.stop());
  const tls = makeCertificate(folder);
  const doors = [
    { at: { host: SERVER_ADDRESS, port: RELAY_PORT }, to: { host: '127.0.0.1', port: relayPort }, tls },
    { at: { host: SERVER_ADDRESS, port: SITE_PORT }, to: { path: sitePath }, tls },
  ];
  stack.adopt(await openGate(server, doors), (gate) => gate.close());
  return coturn.stop;
}

/** At home: the program that the driver starts goes there first. */
async function startBrowser(
  stack: AsyncDisposableStack,
  { hosts }: Network,
  folder: string,
  side: Side,
  name: BrowserName,
): Promise<TestBrowser> {
  const host = hosts[side];
  const path = join(folder, `browser-${side}`);
  const quoted = [...host.enter, browserPath(name)].map((word) => `'${word}'`).join(' ');
  writeFileSync(path, `#!/bin/sh\nexec ${quoted} "$@"\n`);
  chmodSync(path, 0o700);
  const options = { isOnNetwork: true, cameraFps: CAMERA_FPS };
  if (name === 'chromium') {
    // driven through a pipe, which is the same in every network
    return stack.adopt(await launchBrowser(name, { ...options, chromiumPath: path }), (browser) => browser.close());
  }
  const firefoxPort = await findFreePort();
  stack.adopt(await reachPorts(host, [{ port: firefoxPort }], folder), (gate) => gate.close());
  return stack.adopt(await launchBrowser(name, { ...options, firefoxPath: path, firefoxPort }), (browser) =>
    browser.close(),
  );
}
