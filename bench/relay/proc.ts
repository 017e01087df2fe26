/** What one process has used, from `/proc` (Linux only). */
import { readFileSync } from 'node:fs';

/** Linux gives these counts in hundredths of a second to every program. */
const TICKS_PER_S = 100;
const KIB = 1024;

/** Seconds of processor time so far, all threads, in user and kernel mode. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name is in brackets, and may have any characters in it
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** Memory that is resident now, in bytes. */
export function residentBytesOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (!line?.[1]) throw new Error('the process has no resident memory');
  return Number(line[1]) * KIB;
}
