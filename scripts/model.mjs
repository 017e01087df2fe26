/**
 * `npm run model`: searches the model of the key agreement (model/README.md) with Maude, and says for each query whether the
 * verdict is the expected one. `-- --short` leaves the long searches out; any other words choose runs by their names.
 * Ends with 0, with 1 where a verdict is another, with 2 where there is no Maude. Needs no packages.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { QUERIES, RUNS } from '../model/runs.mjs';

const MODEL = fileURLToPath(new URL('../model', import.meta.url));
/** Handed over as one text, so that no path has to be one that Maude can read. */
const TEXT = ['terms', 'attacker', 'handshake', 'choices', 'rules', 'queries']
  .map((name) => readFileSync(join(MODEL, `${name}.maude`), 'utf8'))
  .join('\n');
const NO_MAUDE_CODE = 2;
const MAUDE_MISSING =
  'Maude is needed and was not found: install it (Debian: apt-get install maude), or set MAUDE_PATH to its path.';
/** For one search; the longest take a quarter of it on an idle machine. */
const DEADLINE_MS = 240_000;
/** A search takes up to 700 MB. */
const SEARCHES_AT_ONCE = Math.min(4, availableParallelism());

/** Searches end with the script: Maude would go on by itself. */
const ended = new AbortController();

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function inSearchPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The path of Maude, or `undefined`. A path given by `MAUDE_PATH` must be right: nothing else is tried then. */
export function findMaude() {
  const given = process.env.MAUDE_PATH;
  if (given) return isExecutable(given) ? given : undefined;
  return inSearchPath('maude');
}

/** As `findMaude`, after installing it where that can be done (root on Debian). */
export function wantMaude() {
  if (!findMaude()) installMaude();
  return findMaude();
}

function installMaude() {
  if (process.env.MAUDE_PATH || process.platform !== 'linux' || process.getuid?.() !== 0) return;
  const aptGet = inSearchPath('apt-get');
  if (!aptGet) return;
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  process.stderr.write('Installing Maude by apt-get …\n');
  spawnSync(aptGet, ['update', '-qq'], options);
  spawnSync(aptGet, ['install', '-y', '-qq', '--no-install-recommends', 'maude'], options);
}

/** What Maude is to read: the model, what this run says about itself, the search. */
function script(run, queries, command = '') {
  const set = (items, nothing = 'empty') => (items.length > 0 ? items.join(' ; ') : nothing);
  const each = (items, format) => items.map(format).join('\n');
  return `${TEXT}
mod RUN is
  including QUERIES .
  var role : Role . var peer : Peer . vars n id : Nat . var part : Part . var which : Device .
  ${each(run.leftOut, (part) => `eq isLeftOut(${part}) = true .`)}
  eq isLeftOut(part) = false [owise] .
  ${each(run.compromised, (device) => `eq isCompromised(${device}) = true .`)}
  eq isCompromised(which) = false [owise] .
  eq isSpokenOf(s(role, peer, n), id) = ${run.speaksOf} .
  eq sources = ${run.sources.join(' + ')} .
  eq peers = ${set(run.peers.map((peer) => `present(${peer})`))} .
  eq oneTimeCount = ${run.oneTimeCount} .
  eq isWide = ${run.isWide} .
  eq reveals = ${set(run.reveals)} .
  eq isBetraying = ${run.isBetraying} .
  op start : -> State .
  eq start = < ${set(run.knows)} | ${run.sessions.join(' ')} | empty > .
endm
set show timing off .
search [1] start =>* ST:State such that ${queries.map((query) => `breaks(${query}, ST:State)`).join(' or-else ')} .
${command}
quit
`;
}

/** Resolves to Maude's standard output; rejects with a sentence where it warns, dies, or takes too long. */
function ask(maude, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(maude, ['-no-banner', '-no-advise', '-no-wrap', '-no-ansi-color'], {
      timeout: DEADLINE_MS,
      signal: ended.signal,
    });
    let output = '';
    let complaints = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (complaints += String(chunk)));
    child.on('error', reject);
    // It may die before it has read everything: `close` tells.
    child.stdin.on('error', () => {});
    child.on('close', (code, signal) => {
      if (signal) reject(new Error(`Maude was ended by ${signal}`));
      else if (code !== 0 || complaints !== '')
        reject(new Error(`Maude ended with ${code}: ${complaints.slice(0, 500)}`));
      else resolve(output);
    });
    child.stdin.end(input);
  });
}

/** The rules by which the state was reached, first to last. */
async function trace(maude, run, queries, state) {
  const output = await ask(maude, script(run, queries, `show path labels ${state} .`));
  const lines = output.trimEnd().split('\n');
  // Below the state that was found stand the labels alone.
  return lines.filter((line) => RULES.has(line.trim())).map((line) => line.trim());
}

const RULES = new Set([
  'initiate',
  'initiate-to-a-forged-bundle',
  'respond-to-what-a-peer-has-sent',
  'respond-to-the-attacker',
  'open-the-answer',
  'open-the-attackers-answer',
  'open-the-next',
  'open-the-attackers-next',
  'reveal',
  'betray',
]);

/** `{found: 'reached' | 'not reached', states, path}` of one search. */
async function search(maude, run, queries) {
  const output = await ask(maude, script(run, queries));
  const states = Number(/^states: (\d+)/m.exec(output)?.[1]);
  const reached = /^Solution 1 \(state (\d+)\)/m.exec(output)?.[1];
  if (reached) return { found: 'reached', states, path: await trace(maude, run, queries, reached) };
  if (/^No solution\.$/m.test(output)) return { found: 'not reached', states, path: [] };
  throw new Error('Maude gave no verdict');
}

/** Verdict words: what was found, said as the query means it. */
function verdictOf(expected, found) {
  if (expected === 'reachable') return found === 'reached' ? 'reachable' : 'unreachable';
  return found === 'reached' ? 'attack' : 'holds';
}

/** `{run, queries, expected, verdict, states, path, seconds}`; the verdict is a sentence where there is none. */
async function judge(maude, run, { expected, queries }) {
  const start = performance.now();
  const result = await search(maude, run, queries).catch((error) => ({ fault: String(error?.message ?? error) }));
  const verdict = result.fault ?? verdictOf(expected, result.found);
  // Which one of many is broken, where none was to be.
  const isSurprise = expected === 'holds' && verdict === 'attack' && queries.length > 1;
  const broken = isSurprise ? await brokenOf(maude, run, queries) : queries;
  const seconds = (performance.now() - start) / 1000;
  return { run, queries: broken, expected, verdict, states: result.states ?? 0, path: result.path ?? [], seconds };
}

async function brokenOf(maude, run, queries) {
  const broken = [];
  for (const query of queries) {
    const { found } = await search(maude, run, [query]);
    if (found === 'reached') broken.push(query);
  }
  return broken;
}

/** Checks the runs, the longest first; `tell` hears of each result as it comes. Resolves to all of them. */
export async function checkModel({ maude, runs = RUNS, tell = () => {} }) {
  const waiting = runs
    .flatMap((run) => run.checks.map((check) => ({ run, check })))
    .toSorted((a, b) => Number(b.run.isLong) - Number(a.run.isLong));
  const results = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const result = await judge(maude, next.run, next.check);
      results.push(result);
      tell(result);
    }
  };
  await Promise.all(Array.from({ length: SEARCHES_AT_ONCE }, work));
  return results;
}

export const isExpected = ({ expected, verdict }) => expected === verdict;

/** Two or three lines: what was asked, what was found, and by which way it was reached. */
export function formatResult(result) {
  const { run, queries, expected, verdict, states, path, seconds } = result;
  const isGood = isExpected(result);
  const asked = queries.length === QUERIES.length ? `all ${QUERIES.length} queries` : queries.join(', ');
  const lines = [
    `${isGood ? '✔' : '✖'} ${run.group}: ${run.name}`,
    `    ${asked} → ${verdict}${isGood ? '' : ` (expected: ${expected})`}; ${states} states, ${seconds.toFixed(1)} s`,
  ];
  if (path.length > 0 && expected !== 'reachable') lines.push(`    ${path.join(' → ')}`);
  return `${lines.join('\n')}\n`;
}

async function main(words) {
  const maude = wantMaude();
  if (!maude) {
    const given = process.env.MAUDE_PATH;
    process.stderr.write(`${given ? `MAUDE_PATH names ${given}, and there is no program there.` : MAUDE_MISSING}\n`);
    return NO_MAUDE_CODE;
  }
  const isShort = words.includes('--short');
  const wanted = words.filter((word) => word !== '--short').join(' ');
  const runs = RUNS.filter((run) => `${run.group}: ${run.name}`.includes(wanted) && !(isShort && run.isLong));
  if (runs.length === 0) {
    process.stderr.write(`There is no run “${wanted}”: their names are in model/runs.mjs.\n`);
    return 1;
  }
  const start = performance.now();
  const results = await checkModel({ maude, runs, tell: (result) => process.stdout.write(formatResult(result)) });
  const failed = results.filter((result) => !isExpected(result)).length;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`\n${runs.length} runs in ${seconds} s\n${results.length - failed} passed, ${failed} failed\n`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      ended.abort();
      process.exit(1);
    });
  }
  process.exitCode = await main(process.argv.slice(2));
}
