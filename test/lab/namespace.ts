/**
 * A network of its own for programs (Linux, root): a namespace without a name, held by a process that ends with us. When its last
 * process is gone the kernel removes it, with all interfaces, routes and rules in it: nothing has to be cleaned up, and nothing of
 * the machine's own network is touched.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

export type Namespace = {
  /** Of the process that holds it: how `ip` names it, as `netns PID`. */
  readonly pid: number;
  /** Before a command: it then runs in here, and is killed when we are gone, however that happens. */
  readonly enter: readonly string[];
  /** Lines of `ip` (iproute2), all or none told of: throws, with what it says, at the first that fails. */
  ip(...lines: readonly string[]): void;
  /** Arguments of `iptables`, one rule each. */
  iptables(...rules: readonly string[]): void;
  /** A file under `/proc/sys/net`, each namespace has its own. */
  setting(path: string, value: string): void;
  close(): Promise<void>;
};

const NSENTER = 'nsenter';
/** Never past our own end, even if that is a SIGKILL. */
const WITH_US = ['setpriv', '--pdeathsig', 'KILL', '--'];

export async function openNamespace(): Promise<Namespace> {
  // its standard input ends with us
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo ready && exec cat'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  await readiness(holder, 'a network namespace');
  const { pid } = holder;
  if (pid === undefined) throw new Error('a process without a number');
  const into = `--net=/proc/${pid}/ns/net`;
  const run = (program: string, parameters: readonly string[], input = ''): void => {
    try {
      execFileSync(NSENTER, [into, program, ...parameters], { input, stdio: 'pipe' });
    } catch (error) {
      const { stderr } = error as { readonly stderr?: Buffer };
      throw new Error(`${program} ${parameters.join(' ')} ${input}\n${stderr?.toString() ?? ''}`, { cause: error });
    }
  };
  return {
    pid,
    enter: [NSENTER, into, ...WITH_US],
    ip: (...lines) => run('ip', ['-batch', '-'], `${lines.join('\n')}\n`),
    iptables: (...rules) => {
      for (const rule of rules) run('iptables', rule.split(' '));
    },
    setting: (path, value) => run('sh', ['-c', `echo ${value} >/proc/sys/net/${path}`]),
    close: () => end(holder),
  };
}

/** Resolves when the program says `ready`; rejects, with what it says, where it ends before. */
export function readiness(child: ChildProcess, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const collect = (chunk: Buffer): void => {
      text += chunk.toString();
      if (text.includes('ready')) resolve();
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`${what} did not come up: ${text}`)));
  });
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
