/** `npm start`: relay, script and demo on http://localhost:8787 (`PORT` for another). Ctrl-C ends it. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { build } from './build.mjs';
import { fail, nodeBinary, root, setup, tool, toolEnvironment } from './setup.mjs';

const DEFAULT_PORT = 8787;
const READY_DEADLINE_MS = 60_000;
const PROBE_EVERY_MS = 100;
const STOP_DEADLINE_MS = 5000;
/** Of the relay's own words, how much is shown when it ends by itself. */
const TAIL_CHARACTERS = 4000;

const port = Number(process.env.PORT ?? DEFAULT_PORT);
if (!Number.isInteger(port) || port < 1 || port > 65_535) {
  fail(`PORT must be a number from 1 to 65535, not “${process.env.PORT}”.`);
}

setup();
if (!(await build())) fail('The build failed: the lines above say why.');
if (!(await isFree(port))) fail(`Port ${port} is in use. Choose another: PORT=${port + 1} npm start`);

const relay = spawn(
  nodeBinary(),
  [
    tool('wrangler'),
    'dev',
    `--port=${port}`,
    '--ip=localhost',
    '--inspector-port=0',
    '--log-level=error',
    '--show-interactive-dev-session=false',
  ],
  // A group of its own: Ctrl-C in the terminal reaches only us, and we pass it on once.
  { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: toolEnvironment({ CI: '1' }), detached: true },
);
let output = '';
let isStopping = false;
for (const stream of [relay.stdout, relay.stderr]) {
  stream.on('data', (chunk) => {
    output = (output + chunk).slice(-TAIL_CHARACTERS);
    if (!isStopping) process.stderr.write(chunk);
  });
}
relay.on('close', (code) => {
  if (isStopping) process.exit(0);
  fail(`The relay ended by itself (${code ?? 'by a signal'}).`);
});

function stop() {
  if (isStopping) return;
  isStopping = true;
  relay.kill('SIGINT');
  setTimeout(() => process.kill(-relay.pid, 'SIGKILL'), STOP_DEADLINE_MS).unref();
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);

const url = `http://localhost:${port}`;
const deadline = Date.now() + READY_DEADLINE_MS;
while (!(await isReady())) {
  if (Date.now() > deadline) {
    stop();
    fail(`The relay did not answer within ${READY_DEADLINE_MS / 1000} seconds.`);
  }
  await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
}
if (!isStopping) process.stdout.write(`tai-room is ready: open ${url} in two browsers (Ctrl-C stops it).\n`);

async function isReady() {
  try {
    return (await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}

function isFree(candidate) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(candidate, 'localhost', () => probe.close(() => resolve(true)));
  });
}
