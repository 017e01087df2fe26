/** The real coturn on the loopback, with one long-term user (RFC 8489 §9.2), ended with the test. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from './relay-process.ts';

const START_DEADLINE_MS = 15_000;
const PROBE_EVERY_MS = 50;

export type Coturn = {
  /** As an entry of `ICE_SERVERS`. */
  readonly iceServer: { readonly urls: readonly string[]; readonly username: string; readonly credential: string };
  readonly output: () => string;
  stop(): Promise<void>;
};

/** Where the system has it, or where `TURNSERVER_PATH` says. */
function coturnPath(): string {
  const found = [process.env['TURNSERVER_PATH'], '/usr/bin/turnserver', '/opt/homebrew/bin/turnserver'].find(
    (path) => path !== undefined && existsSync(path),
  );
  if (found === undefined) throw new Error('coturn (turnserver) is not installed, and TURNSERVER_PATH is not set');
  return found;
}

export async function startCoturn(): Promise<Coturn> {
  const port = await findFreePort();
  const folder = mkdtempSync(join(tmpdir(), 'tai-coturn-'));
  const [username, credential] = ['tester', 'not-a-secret'];
  const child = spawn(
    coturnPath(),
    [
      '-n',
      ...['--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--listening-port', String(port)],
      ...['--realm', 'tai.test', '--lt-cred-mech', '--user', `${username}:${credential}`],
      // only here: a loopback peer is what every test is
      '--allow-loopback-peers',
      ...['--no-tls', '--no-dtls', '--no-cli', '--verbose', '--simple-log'],
      ...['--log-file', 'stdout', '--pidfile', join(folder, 'pid'), '--userdb', join(folder, 'db')],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder },
  );
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
  return { iceServer: { urls: [`turn:127.0.0.1:${port}`], username, credential }, output: () => output, stop };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
