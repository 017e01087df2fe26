/** Child processes of the scripts. Only what Node brings. */
import { spawn } from 'node:child_process';
import { nodeBinary, root, toolEnvironment } from '../setup.mjs';

/**
 * Runs a JavaScript file with the project's own Node. `output`: `inherit`, or `capture` to get the text of both streams.
 * Resolves to the exit code (1 when a signal ended it), never rejects.
 */
export function runNode(args, { output = 'inherit', env = {}, cwd = root } = {}) {
  return run(nodeBinary(), args, { output, env, cwd });
}

export function run(command, args, { output = 'inherit', env = {}, cwd = root } = {}) {
  return new Promise((resolve) => {
    const stdio = output === 'capture' ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'];
    const child = spawn(command, args, { cwd, stdio, env: toolEnvironment(env) });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ code: 1, text: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, text: Buffer.concat(chunks).toString() }));
  });
}
