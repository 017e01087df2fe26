/** What the delivery tests share: child processes, and copies of the checkout to be spoilt. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
export type RunOptions = { readonly cwd?: string; readonly env?: Readonly<Record<string, string | undefined>> };

/** Resolves when the process is gone, whatever its code; rejects where it cannot be started. */
export function run(
  command: string,
  args: readonly string[],
  { cwd = ROOT, env = {} }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    // Without the mark of the runner that runs this test, which a nested one would report to.
    const child = spawn(command, args, { cwd, env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** With the Node that runs this test. */
export function runNode(args: readonly string[], options?: RunOptions): Promise<Outcome> {
  return run(process.execPath, args, options);
}

/** A folder outside the checkout that is gone at the end of the scope. */
export function scratchFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'tai-delivery-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Brings `dist/` up to date; quick when it is. */
export async function ensureBuilt(): Promise<void> {
  const { code, stderr } = await runNode([join(ROOT, 'scripts/build.mjs')]);
  if (code !== 0) throw new Error(`the build failed: ${stderr}`);
}
