/** Processor time of a browser with all its processes, from `/proc`. */
import { readFileSync, readdirSync } from 'node:fs';

/** Linux gives these counts in hundredths of a second to every program. */
const TICKS_PER_S = 100;

/** Seconds of processor time so far of every process below this one whose program's name has `word` in it. */
export function cpuSeconds(word: string): number {
  const parents = new Map<number, number>();
  const ticks = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // the name is in brackets, and may have any characters in it
      const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      parents.set(pid, Number(fields[1]));
      if (name.includes(word)) ticks.set(pid, Number(fields[11]) + Number(fields[12]));
    } catch {
      // it has ended meanwhile
    }
  }
  let sum = 0;
  for (const [pid, own] of ticks) if (isBelow(pid, process.pid, parents)) sum += own;
  return sum / TICKS_PER_S;
}

function isBelow(pid: number, ancestor: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
    if (at === ancestor) return true;
  }
  return false;
}
