/**
 * The real coturn on the loopback, or where a test says, under the configuration that operators are given (relay-worker/turn/turnserver.conf), ended with the
 * test. What is not theirs here: addresses, ports and certificate, a log to read, and that a loopback peer may be sent to.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from './relay-process.ts';

const START_DEADLINE_MS = 15_000;
const PROBE_EVERY_MS = 50;
const PROBE_MAX_MS = 2_000;
const LIFE_S = 3600;
const LOOPBACK = '127.0.0.1';

export const TURN_CONFIGURATION = fileURLToPath(new URL('../../relay-worker/turn/turnserver.conf', import.meta.url));

/** Lines of the operator's that cannot be so on the loopback; every other one holds. */
const REPLACED = ['realm', 'listening-port', 'tls-listening-port', 'cert', 'pkey', 'log-file', 'no-stdout-log'];

export type Coturn = {
  /** As an entry of `ICE_SERVERS`: credentials that are good for an hour. */
  readonly iceServer: { readonly urls: readonly string[]; readonly username: string; readonly credential: string };
  /** What a relay has as `TURN_URLS` and `TURN_SECRET`. */
  readonly urls: readonly string[];
  readonly secret: string;
  readonly port: number;
  /** Of TLS; `undefined` where it was not asked for. */
  readonly tlsPort: number | undefined;
  readonly output: () => string;
  stop(): Promise<void>;
};

export type CoturnOptions = {
  /** With a certificate of its own making, by openssl. */
  readonly isTls?: boolean;
  /** The log as operators have it: none. */
  readonly isSilent?: boolean;
  /** Where it relays from, in place of 127.0.0.1 and the operator's ports: told apart from anybody's own sockets. */
  readonly relay?: { readonly ip: string; readonly ports: readonly [first: number, last: number] };
  /** Lines behind all others. */
  readonly lines?: readonly string[];
  /** Somewhere else than on the loopback. */
  readonly elsewhere?: Elsewhere;
};

export type Elsewhere = {
  /** Before its command: where it is to run. */
  readonly enter: readonly string[];
  readonly address: string;
  /** This port of our own loopback leads to the same one there. */
  readonly port: number;
  /** Whom it may send to, though the operator's configuration does not let it: `first-last`. */
  readonly peers: string;
};

/** Where the system has it, or where `TURNSERVER_PATH` says. */
function coturnPath(): string {
  const found = [process.env['TURNSERVER_PATH'], '/usr/bin/turnserver', '/opt/homebrew/bin/turnserver'].find(
    (path) => path !== undefined && existsSync(path),
  );
  if (found === undefined) throw new Error('coturn (turnserver) is not installed, and TURNSERVER_PATH is not set');
  return found;
}

export async function startCoturn(options: CoturnOptions = {}): Promise<Coturn> {
  const { elsewhere } = options;
  const port = elsewhere?.port ?? (await findFreePort());
  const tlsPort = options.isTls ? await findFreePort() : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'tai-coturn-'));
  const secret = randomBytes(24).toString('base64url');
  const path = join(folder, 'turnserver.conf');
  writeFileSync(path, configuration({ ...options, port, tlsPort, folder, secret }), { mode: 0o600 });
  const [program = '', ...parameters] = [...(elsewhere?.enter ?? []), coturnPath(), '-c', path];
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  let output = '';
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.on('exit', killAtExit);
  const stop = async (): Promise<void> => {
    process.off('exit', killAtExit);
    child.kill('SIGKILL');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!(await answers(port))) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error(`coturn did not start:\n${output}`);
    }
    await delay(PROBE_EVERY_MS);
  }
  const host = `${elsewhere?.address ?? LOOPBACK}:${port}`;
  // a loopback lets all UDP through
  const urls = elsewhere ? [`turn:${host}`, `turn:${host}?transport=tcp`] : [`turn:${host}`];
  const iceServer = { urls, ...turnLogin(secret, Math.floor(Date.now() / 1000) + LIFE_S) };
  return { iceServer, urls, secret, port, tlsPort, output: () => output, stop };
}

/** A name that is good until then, and its password (draft-uberti-behave-turn-rest-00 §2.2). */
export function turnLogin(secret: string, expiresS: number): { username: string; credential: string } {
  const username = `${expiresS}:${randomBytes(6).toString('hex')}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

type Place = CoturnOptions & {
  readonly port: number;
  readonly tlsPort: number | undefined;
  readonly folder: string;
  readonly secret: string;
};

function configuration(place: Place): string {
  const { port, tlsPort, folder, secret, isSilent = false, lines = [], elsewhere, relay } = place;
  const address = elsewhere?.address ?? LOOPBACK;
  const quiet = isSilent ? REPLACED.filter((name) => !name.includes('log')) : REPLACED;
  const replaced = relay ? [...quiet, 'min-port', 'max-port'] : quiet;
  const theirs = readFileSync(TURN_CONFIGURATION, 'utf8')
    .split('\n')
    .filter((line) => !replaced.includes(line.split('=')[0] ?? ''));
  const addresses = [`listening-ip=${address}`, `relay-ip=${relay?.ip ?? address}`];
  const ports = relay
    ? [`min-port=${relay.ports[0]}`, `max-port=${relay.ports[1]}`, `allowed-peer-ip=${relay.ip}`]
    : [];
  const peers = elsewhere
    ? [`allowed-peer-ip=${elsewhere.peers}`]
    : ['allow-loopback-peers', `allowed-peer-ip=${LOOPBACK}`];
  const ours = [`listening-port=${port}`, 'realm=tai.test', `static-auth-secret=${secret}`];
  const files = [`pidfile=${join(folder, 'pid')}`, `userdb=${join(folder, 'db')}`];
  const log = isSilent ? [] : ['log-file=stdout', 'verbose'];
  const tls = tlsPort === undefined ? ['no-tls'] : [`tls-listening-port=${tlsPort}`, ...certificateLines(folder)];
  return [...theirs, ...addresses, ...peers, ...ports, ...ours, ...files, ...log, ...tls, ...lines, ''].join('\n');
}

/** One that nobody has signed, and its key, as files in that folder. */
export function makeCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...kind, ...names], { stdio: 'ignore' });
  return { cert, key };
}

function certificateLines(folder: string): readonly string[] {
  const { cert, key } = makeCertificate(folder);
  return [`cert=${cert}`, `pkey=${key}`];
}

/** Whether it answers a STUN binding request (RFC 8489 §6): on the way to it there may be somebody who takes every connection. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once('connect', () =>
      socket.write(Buffer.from(`000100002112a442${randomBytes(12).toString('hex')}`, 'hex')),
    );
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('close', () => resolve(false));
    socket.on('error', () => undefined);
    socket.setTimeout(PROBE_MAX_MS, () => socket.destroy());
  });
}
