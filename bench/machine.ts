/** What a number depends on, without anything that names this machine: no host name, user or path. */
import { execFile } from 'node:child_process';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { promisify } from 'node:util';

export type Machine = {
  readonly cores: number;
  readonly cpu: string;
  readonly memory_GiB: number;
  readonly system: string;
  readonly node: string;
  /** Versions of whatever else took part. */
  readonly [program: string]: string | number;
};

const run = promisify(execFile);

export function describeMachine(programs: Readonly<Record<string, string>> = {}): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() || 'unknown',
    memory_GiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: process.versions.node,
    ...programs,
  };
}

/** The first number with dots that `program --version` prints. */
export async function versionOf(program: string): Promise<string> {
  const { stdout } = await run(program, ['--version']);
  return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'unknown';
}
