/**
 * The real relay for tests: `wrangler dev` of the repository's own `wrangler.toml` on a port of the loopback, offline,
 * in a process group of its own, so that it can be killed as a machine kills it and started again in its place.
 *
 * wrangler stands as a proxy before the relay and reads on behalf of a client that does not; what depends on that,
 * and what measures time, takes `runtime: 'workerd'`: the same Worker on the platform's runtime alone.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { REPOSITORY, writeWorkerdConfig } from './workerd-config.ts';
import type { WorkerVariant } from './workerd-config.ts';

const WRANGLER = join(REPOSITORY, 'node_modules/wrangler/bin/wrangler.js');
const WORKERD = join(REPOSITORY, 'node_modules/workerd/bin/workerd');
const HOST = '127.0.0.1';
const START_DEADLINE_MS = 60_000;
const PROBE_MAX_MS = 2_000;
const PROBE_EVERY_MS = 50;
const STOP_DEADLINE_MS = 5_000;

export type RelayProcessOptions = {
  /** A free one is looked for where none is given. */
  readonly port?: number;
  /** Directory of static files instead of an empty one; `dist` is only used where it is named here. */
  readonly assets?: string;
  /** Instead of the settings in `wrangler.toml`. */
  readonly vars?: Readonly<Record<string, string>>;
  /** With `workerd`: the checkout whose relay it is; this one where nothing is said. */
  readonly repository?: string;
  /** With `workerd`: another Worker than the relay as it is. */
  readonly variant?: WorkerVariant;
  /** With `wrangler`: requests of one address a minute, instead of what is in `wrangler.toml` (LM15). */
  readonly doorLimit?: number;
  /** Its settings let nobody in, and `/healthz` has to say so. */
  readonly isMisconfigured?: boolean;
  /** `wrangler` where nothing is said. */
  readonly runtime?: 'wrangler' | 'workerd';
  /** With `workerd`: storage is on disk, as with `wrangler`. Without, it has no SQLite, which only mailboxes need. */
  readonly isStored?: boolean;
  /** Before its command: where it is to run. `port` has to lead there. */
  readonly enter?: readonly string[];
};

export type RelayProcess = {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Of the process that was started last, the leader of its group; with `workerd`, the runtime's own. */
  readonly pid: () => number | undefined;
  /** Where all that the platform keeps on disk is. */
  readonly stateDirectory: string;
  /** Everything that was written to stdout and stderr since the first start. */
  readonly output: () => string;
  /** SIGKILL to the whole group; resolves when it is gone. The port and the state directory stay. */
  readonly kill: () => Promise<void>;
  /** After `kill`: again on the same port; resolves when it answers. */
  readonly restart: () => Promise<void>;
  /** Ends it and removes its files. */
  readonly stop: () => Promise<void>;
};

/** Resolves when the relay answers on `/healthz`; rejects, with its output, where it does not. */
export async function startRelayProcess(options: RelayProcessOptions = {}): Promise<RelayProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'tai-relay-'));
  const port = options.port ?? (await findFreePort());
  const url = `http://${HOST}:${port}`;
  const stateDirectory = join(directory, 'state');
  const assets = options.assets ?? (await emptyAssets(directory));
  const vars = options.vars ?? {};
  const repository = options.repository ?? REPOSITORY;
  const address = `${HOST}:${port}`;
  const { variant = {}, isStored = variant.isUnsafe ?? false } = options;
  const kept = isStored ? { stateDirectory } : {};
  const config = options.doorLimit === undefined ? [] : await limitedConfig(directory, assets, options.doorLimit);
  const status = options.isMisconfigured ? 503 : 200;
  const command =
    options.runtime === 'workerd'
      ? [
          WORKERD,
          'serve',
          ...(variant.isUnsafe ? ['--experimental'] : []),
          await writeWorkerdConfig({ repository, directory, address, assets, vars, variant, ...kept }),
        ]
      : [...wranglerCommand(port, assets, stateDirectory, vars), ...config];
  const [program = '', ...parameters] = [...(options.enter ?? []), ...command];
  let output = '';
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const started = spawn(program, parameters, {
      cwd: REPOSITORY,
      detached: true,
      env: { ...process.env, ...environment(directory) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    started.stdout.on('data', collect);
    started.stderr.on('data', collect);
    await waitUntilHealthy(url, started, () => output, status);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending) await endGroup(ending, signal);
  }

  // A test run that is broken off must not leave a relay behind.
  const killAtExit = (): void => {
    if (child) signalGroup(child, 'SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.on('exit', killAtExit);

  const stop = async (): Promise<void> => {
    await end('SIGTERM');
    process.off('exit', killAtExit);
    await rm(directory, { recursive: true, force: true });
  };

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    url,
    pid: () => child?.pid,
    stateDirectory,
    output: () => output,
    kill: () => end('SIGKILL'),
    restart: start,
    stop,
  };
}

/** A port of the loopback that nobody listens on at this moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, HOST, resolve);
  });
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

function wranglerCommand(
  port: number,
  assets: string,
  stateDirectory: string,
  vars: Readonly<Record<string, string>>,
): string[] {
  const settings = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
  return [
    process.execPath,
    WRANGLER,
    'dev',
    ...['--ip', HOST],
    ...['--port', String(port)],
    ...['--inspector-port', '0'],
    ...['--assets', assets],
    ...['--persist-to', stateDirectory],
    '--show-interactive-dev-session=false',
    ...settings,
  ];
}

/** No request leaves the machine, nothing is written outside the directory, and no trace of requests is kept. */
function environment(directory: string): Record<string, string> {
  return {
    CI: '1',
    NO_COLOR: '1',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_WRITE_LOGS: 'false',
    WRANGLER_LOG_PATH: join(directory, 'logs'),
    WRANGLER_REGISTRY_PATH: join(directory, 'registry'),
    XDG_CONFIG_HOME: join(directory, 'config'),
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    X_LOCAL_OBSERVABILITY: 'false',
  };
}

/** `wrangler.toml` with another limit, elsewhere. */
async function limitedConfig(directory: string, assets: string, limit: number): Promise<string[]> {
  const toml = await readFile(join(REPOSITORY, 'wrangler.toml'), 'utf8');
  const changed = toml
    .replace(/^main = .*$/m, `main = ${JSON.stringify(join(REPOSITORY, 'relay-worker/index.ts'))}`)
    .replace(/^directory = .*$/m, `directory = ${JSON.stringify(assets)}`)
    .replace(/^simple = .*$/m, `simple = { limit = ${limit}, period = 60 }`);
  if (!changed.includes(`limit = ${limit},`)) throw new Error('wrangler.toml has no limit at the door');
  const path = join(directory, 'wrangler.toml');
  await writeFile(path, changed);
  return ['--config', path];
}

async function emptyAssets(directory: string): Promise<string> {
  const assets = join(directory, 'assets');
  await mkdir(assets);
  await writeFile(join(assets, 'index.html'), '<!doctype html><title>relay under test</title>');
  return assets;
}

async function waitUntilHealthy(url: string, child: ChildProcess, output: () => string, status: number): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    try {
      // a server that is just coming up may take a connection and leave it without an answer
      const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(PROBE_MAX_MS) });
      await response.arrayBuffer();
      if (response.status === status) return;
    } catch {
      // Not listening yet.
    }
    await delay(PROBE_EVERY_MS);
  }
  throw new Error(`the relay did not start:\n${output()}`);
}

async function endGroup(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    signalGroup(child, signal);
    const giveUp = new AbortController();
    const late = delay(STOP_DEADLINE_MS, undefined, { signal: giveUp.signal }).then(
      () => signalGroup(child, 'SIGKILL'),
      () => undefined,
    );
    await gone;
    giveUp.abort();
    await late;
  }
  // The leader is gone; what it started has no say in the matter.
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}
