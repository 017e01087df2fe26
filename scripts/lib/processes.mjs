/** Child processes of the scripts. Only what Node brings. */
import { spawn } from 'node:child_process';
import { nodeBinary, root, toolEnvironment } from '../setup.mjs';

const GRACE_MS = 5000;

/**
 * Runs a JavaScript file with the project's own Node. `output`: `inherit`, or `capture` to get the text of both streams.
 * After
 * `deadline_ms`, where one is given, it is ended. Resolves to the exit code (1 when a signal ended it), never rejects.
 */
export function runNode(args, { output = 'inherit', env = {}, cwd = root, deadline_ms } = {}) {
  return new Promise((resolve) => {
    const stdio = output === 'capture' ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'];
    const child = spawn(nodeBinary(), args, { cwd, stdio, env: toolEnvironment(env) });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    const ends = deadline_ms === undefined ? [] : endAfter(child, deadline_ms);
    child.on('error', (error) => resolve({ code: 1, text: error.message }));
    child.on('close', (code) => {
      ends.forEach(clearTimeout);
      resolve({ code: code ?? 1, text: Buffer.concat(chunks).toString() });
    });
  });
}

/** Asks, and a little later does not ask. A test runner ends its own children when asked. */
function endAfter(child, deadline_ms) {
  const ask = () => {
    process.stderr.write(`Ended after ${Math.round(deadline_ms / 1000)} seconds: something still ran.\n`);
    child.kill('SIGTERM');
  };
  return [setTimeout(ask, deadline_ms), setTimeout(() => child.kill('SIGKILL'), deadline_ms + GRACE_MS)];
}
