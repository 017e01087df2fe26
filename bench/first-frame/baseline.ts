/**
 * An earlier revision of this repository as a contender: its own engine and its own relay, from the history. The page
 * around the engine is today's, so that both are timed by the same stopwatch.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BenchError } from '../harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = 'bench/first-frame/pages';
const run = promisify(execFile);

export type Baseline = {
  /** The commit's full name. */
  readonly commit: string;
  /** Where its files are, with today's packages. */
  readonly root: string;
  /** The page's script, to be bundled. */
  readonly page: string;
  remove(): Promise<void>;
};

/** Rejects with a `BenchError` where the history has no such revision. */
export async function checkOutBaseline(revision: string): Promise<Baseline> {
  const commit = await findCommit(revision);
  const folder = await mkdtemp(join(tmpdir(), 'tai-baseline-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const archive = join(folder, 'archive.tar');
    // its real path: bundlers take two paths to one package for two packages
    const root = await realpath(await mkdtemp(join(folder, 'tree-')));
    await run('git', ['archive', '--format=tar', `--output=${archive}`, commit], { cwd: ROOT });
    await run('tar', ['-xf', archive, '-C', root]);
    await symlink(await realpath(join(ROOT, 'node_modules')), join(root, 'node_modules'), 'junction');
    await rm(join(root, PAGES), { recursive: true, force: true });
    await cp(join(ROOT, PAGES), join(root, PAGES), { recursive: true });
    return { commit, root, page: join(root, PAGES, 'tai-room.ts'), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function findCommit(revision: string): Promise<string> {
  try {
    const { stdout } = await run('git', ['rev-parse', '--verify', '--quiet', `${revision}^{commit}`], { cwd: ROOT });
    return stdout.trim();
  } catch {
    throw new BenchError(
      `The history here has no revision “${revision}” to compare with: fetch it, or name another one.`,
    );
  }
}
