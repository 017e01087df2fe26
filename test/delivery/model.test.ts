/** The model of the key agreement (model/README.md): its verdicts, where Maude is installed, and the script around it. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { RUNS } from '../../model/runs.mjs';
import { checkModel, findMaude, formatResult, isExpected } from '../../scripts/model.mjs';
import { ROOT, runNode, scratchFolder } from './tools.ts';

const SCRIPT = join(ROOT, 'scripts/model.mjs');
const maude = findMaude();
const skip = maude === undefined && 'Maude is not installed here: npm run model would install it or say how';

function writeProgram(path: string, lines: string): string {
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('the model of the key agreement', { skip }, () => {
  const verdicts = async (group: string): Promise<void> => {
    const runs = RUNS.filter((run) => run.group === group && !run.isLong);
    // `skip` above: it is there
    const results = await checkModel({ maude: maude as string, runs });
    assert.equal(results.length, runs.flatMap((run) => run.checks).length);
    const surprises = results.filter((result) => !isExpected(result));
    assert.deepEqual(surprises.map(formatResult), []);
  };
  it('holds against an insider who carries every message, with keys stolen or primitives broken', () =>
    verdicts('protocol'));
  it('finds the attacks that the protocol does not claim to stop', () => verdicts('limit'));
  it('finds the attack wherever something is left out', () => verdicts('mutant'));
  it('finds none where what is left out is made up for', () => verdicts('spare'));
});

describe('the runs of the model', () => {
  const leftOutOfAttacks = new Set(
    RUNS.filter((run) => run.checks.some(({ expected }) => expected === 'attack')).flatMap((run) => run.leftOut),
  );
  it('leave out, for an attack to be found, each part that can be left out', () => {
    const terms = readFileSync(join(ROOT, 'model/terms.maude'), 'utf8');
    const [, parts = ''] = /sort Part \.\s+ops ([^:]+) : -> Part/.exec(terms) ?? [];
    const all = parts.split(/\s+/);
    assert.ok(all.length > 10);
    assert.deepEqual(
      all.filter((part) => !leftOutOfAttacks.has(part)),
      [],
    );
  });

  it('expect an attack of every mutant and none of the protocol itself', () => {
    for (const { group, name, checks, leftOut } of RUNS) {
      const expectsAttack = checks.some(({ expected }) => expected === 'attack');
      assert.equal(expectsAttack, group === 'mutant' || group === 'limit', name);
      assert.equal(leftOut.length > 0, group === 'mutant' || group === 'spare', name);
    }
  });
});

const isWindows = process.platform === 'win32';
describe('npm run model', { skip: isWindows && 'stands in for Maude by shell scripts' }, () => {
  const run = (env: Readonly<Record<string, string | undefined>>, ...words: readonly string[]) =>
    runNode([SCRIPT, ...words], { env });

  it('says in one sentence what to install, and ends with 2', async () => {
    using folder = scratchFolder();
    const { code, stdout, stderr } = await run({ PATH: folder.path, MAUDE_PATH: undefined });
    assert.deepEqual([code, stdout], [2, '']);
    assert.equal(
      stderr,
      'Maude is needed and was not found: install it (Debian: apt-get install maude), or set MAUDE_PATH to its path.\n',
    );
  });

  it('takes the path that MAUDE_PATH gives, and nothing else when that is wrong', async () => {
    const { code, stderr } = await run({ MAUDE_PATH: '/nowhere/maude' });
    assert.deepEqual([code, stderr], [2, 'MAUDE_PATH names /nowhere/maude, and there is no program there.\n']);
  });

  const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
  it('as root on Debian, lets apt-get install it, after an update', { skip: !isRoot }, async () => {
    using folder = scratchFolder();
    const bin = join(folder.path, 'bin');
    mkdirSync(bin);
    const log = join(folder.path, 'log');
    const program = writeProgram(
      join(folder.path, 'maude'),
      '/bin/cat > /dev/null\necho "No solution."\necho "states: 1"',
    );
    writeProgram(
      join(bin, 'apt-get'),
      `echo "$DEBIAN_FRONTEND $*" >> ${log}\n[ "$1" = install ] && /bin/ln -s ${program} ${join(bin, 'maude')}\nexit 0`,
    );
    const { code, stderr } = await run({ PATH: bin, MAUDE_PATH: undefined }, 'Bob in two rooms');
    assert.deepEqual([code, stderr], [0, 'Installing Maude by apt-get …\n']);
    assert.equal(
      readFileSync(log, 'utf8'),
      'noninteractive update -qq\nnoninteractive install -y -qq --no-install-recommends maude\n',
    );
  });

  it('tells a verdict that is not the expected one, and ends with 1', async () => {
    using folder = scratchFolder();
    const blind = writeProgram(
      join(folder.path, 'blind'),
      '/bin/cat > /dev/null\necho "No solution."\necho "states: 7"',
    );
    const missed = await run({ MAUDE_PATH: blind }, 'mutant: transcript without fingerprints');
    assert.equal(missed.code, 1);
    assert.match(
      missed.stdout,
      /^✖ mutant: transcript without fingerprints\n.* → holds \(expected: attack\); 7 states/,
    );
    assert.match(missed.stdout, /^0 passed, 1 failed$/m);

    const wary = writeProgram(
      join(folder.path, 'wary'),
      '/bin/cat > /dev/null\necho "Solution 1 (state 3)"\necho "states: 4"',
    );
    const found = await run({ MAUDE_PATH: wary }, 'protocol: Bob in two rooms');
    assert.equal(found.code, 1);
    assert.match(found.stdout, /all 10 queries → attack \(expected: holds\)/);
  });

  it('takes no verdict from a Maude that warns, dies or says nothing', async () => {
    using folder = scratchFolder();
    const faults = {
      warns: [
        '/bin/cat > /dev/null\necho "No solution."\necho "Warning: no parse" >&2',
        /Maude ended with 0: Warning: no parse/,
      ],
      dies: ['/bin/cat > /dev/null\necho "No solution."\nexit 3', /Maude ended with 3/],
      'says nothing': ['/bin/cat > /dev/null', /Maude gave no verdict/],
    } as const;
    for (const [name, [lines, sentence]] of Object.entries(faults)) {
      const program = writeProgram(join(folder.path, name.replace(' ', '-')), lines);
      const { code, stdout } = await run({ MAUDE_PATH: program }, 'protocol: Bob in two rooms');
      assert.equal(code, 1, name);
      assert.match(stdout, sentence);
    }
  });

  it('says so where no run has that name', async () => {
    using folder = scratchFolder();
    const program = writeProgram(join(folder.path, 'maude'), 'exit 0');
    const { code, stdout, stderr } = await run({ MAUDE_PATH: program }, 'nothing of the kind');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^There is no run “nothing of the kind”/);
  });
});
