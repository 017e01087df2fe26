/** The pure parts of the bench harness: what turns samples into a claim must not be wrong. */
import assert from 'node:assert/strict';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Sample } from '../../bench/first-frame/pages/page.ts';
import { toResult } from '../../bench/first-frame/result.ts';
import {
  differences,
  formatResult,
  formatTable,
  goal,
  interleave,
  parseBenchArguments,
  roundOrders,
  summarize,
} from '../../bench/harness.ts';
import type { BenchResult } from '../../bench/harness.ts';
import { describeMachine } from '../../bench/machine.ts';
import { ROOT, runNode } from './tools.ts';

const DEFAULTS = { rounds: 15, seed: 1 };
const NAMES = ['a', 'b', 'c', 'd'];

describe('bench harness: arguments', () => {
  it('takes the defaults where nothing is said', () => {
    assert.deepEqual(parseBenchArguments([], DEFAULTS), { isJson: false, rounds: 15, seed: 1 });
  });

  it('reads each option, in any order', () => {
    const options = parseBenchArguments(['--rounds', '3', '--json', '--seed', '4294967295'], DEFAULTS);
    assert.deepEqual(options, { isJson: true, rounds: 3, seed: 4_294_967_295 });
  });

  for (const args of [
    ['--rounds'],
    ['--rounds', '0'],
    ['--rounds', '1001'],
    ['--rounds', '-1'],
    ['--rounds', '1.5'],
    ['--seed', '4294967296'],
    ['--seed', 'x'],
    ['--fast'],
    ['3'],
    ['--baseline', 'HEAD'],
  ]) {
    it(`refuses ${args.join(' ')}`, () => {
      assert.equal(parseBenchArguments(args, DEFAULTS), undefined);
    });
  }

  it('reads a baseline where the bench takes one, and has none where nothing is said', () => {
    const defaults = { ...DEFAULTS, takesBaseline: true };
    assert.deepEqual(parseBenchArguments([], defaults), { isJson: false, ...DEFAULTS });
    for (const baseline of ['80100fc', 'HEAD~2', 'v0.1.0', 'origin/main']) {
      const options = parseBenchArguments(['--baseline', baseline, '--json'], defaults);
      assert.deepEqual(options, { isJson: true, ...DEFAULTS, baseline });
    }
  });

  for (const revision of [[], [''], ['--json'], ['-x'], ['a b'], ['x'.repeat(101)]]) {
    it(`refuses ${JSON.stringify(revision)} as a baseline`, () => {
      assert.equal(parseBenchArguments(['--baseline', ...revision], { ...DEFAULTS, takesBaseline: true }), undefined);
    });
  }

  it('says in one sentence that the history lacks a revision', async () => {
    const bench = join(ROOT, 'bench/first-frame.ts');
    const { code, stdout, stderr } = await runNode([bench, '--baseline', 'no-such-revision', '--json']);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr.trimEnd(), /^The history here has no revision “no-such-revision” .*\.$/);
  });
});

describe('bench harness: rounds', () => {
  it('has everybody exactly once in each round', () => {
    const orders = roundOrders(NAMES, 50, 7);
    assert.equal(orders.length, 50);
    for (const order of orders) assert.deepEqual([...order].sort(), NAMES);
  });

  it('gives the same orders for the same seed, and others for another', () => {
    assert.deepEqual(roundOrders(NAMES, 20, 7), roundOrders(NAMES, 20, 7));
    assert.notDeepEqual(roundOrders(NAMES, 20, 7), roundOrders(NAMES, 20, 8));
  });

  it('favours nobody: each place is taken by each about as often', () => {
    const rounds = 4000;
    const orders = roundOrders(NAMES, rounds, 3);
    for (const name of NAMES) {
      for (const place of NAMES.keys()) {
        const share = orders.filter((order) => order[place] === name).length / rounds;
        assert.ok(Math.abs(share - 0.25) < 0.03, `${name} is at place ${place} in ${share} of the rounds`);
      }
    }
  });

  it('measures in the drawn order, one after the other', async () => {
    const log: string[] = [];
    let running = 0;
    const contenders = NAMES.map((name) => ({
      name,
      measure: async (round: number) => {
        assert.equal(++running, 1);
        log.push(name);
        await Promise.resolve();
        running--;
        return `${name}${round}`;
      },
    }));
    const samples = await interleave(contenders, { rounds: 3, seed: 5 });
    assert.deepEqual(log, roundOrders(NAMES, 3, 5).flat());
    assert.deepEqual(samples.get('b'), ['b0', 'b1', 'b2']);
  });

  it('fails with the first contender that fails', async () => {
    const fine = { name: 'fine', measure: () => Promise.resolve(1) };
    const broken = { name: 'broken', measure: () => Promise.reject(new Error('no frame')) };
    await assert.rejects(interleave([fine, broken], { rounds: 2, seed: 1 }), /no frame/);
  });
});

describe('bench harness: figures', () => {
  it('takes the middle, whatever the order', () => {
    assert.deepEqual(summarize([5, 1, 4, 2, 3]), { median: 3, p25: 2, p75: 4, n: 5 });
  });

  it('lies between the two in the middle of an even number', () => {
    assert.deepEqual(summarize([10, 20, 30, 40]), { median: 25, p25: 17.5, p75: 32.5, n: 4 });
  });

  it('sorts by value, not as text', () => {
    assert.equal(summarize([100, 9, 20]).median, 20);
  });

  it('leaves the samples as they were', () => {
    const samples = [3, 1, 2];
    summarize(samples);
    assert.deepEqual(samples, [3, 1, 2]);
  });

  it('says nothing about nothing', () => {
    assert.throws(() => summarize([]));
  });

  it('meets a goal at its limit and not beyond', () => {
    assert.equal(goal('x', 1, 1, 'lower').met, true);
    assert.equal(goal('x', 1.001, 1, 'lower').met, false);
    assert.equal(goal('x', 1, 1, 'higher').met, true);
    assert.equal(goal('x', 0.999, 1, 'higher').met, false);
  });

  it('does not meet what could not be measured', () => {
    assert.equal(goal('x', Number.NaN, 1, 'lower').met, false);
    assert.equal(goal('x', Number.NaN, 1, 'higher').met, false);
  });
});

describe('first-frame: what was added', () => {
  const sample = (firstFrame_ms: number): Sample => ({
    firstFrame_ms,
    marks_ms: { socketOpen: 1, described: 2, answered: 3, connected: firstFrame_ms / 2 },
    messages: 7,
    firstWidth: 320,
    settledWidth: 1280,
  });
  const others = ['bare', 'peerjs', 'simple-peer'].map((name) => [name, [700, 700, 700].map(sample)] as const);
  const ours = ['tai-room', [500, 900, 600].map(sample)] as const;
  const programs = { chromium: '1.2.3' };

  it('is the median of the differences of each round, not the difference of medians', () => {
    // 20, 10 and 70 more; the medians, 600 and 530, are 70 apart
    const samples = new Map([...others, ours, ['baseline', [480, 890, 530].map(sample)] as const]);
    const { rows, goals } = toResult(3, samples, programs);
    assert.deepEqual(goals.at(-1), goal('added by the handshake, ms', 20, 15, 'lower'));
    assert.equal(goals.at(-1)?.met, false);
    assert.deepEqual(
      rows.map(({ contender }) => contender),
      ['bare', 'peerjs', 'simple-peer', 'tai-room', 'baseline', 'added'],
    );
    assert.equal(rows.at(-1)?.['firstFrame_ms'], 20);
    assert.equal(rows.at(-1)?.['connected_ms'], 10);
    assert.equal(rows.at(-1)?.['described_ms'], 0);
  });

  it('is not spoken of without a baseline', () => {
    const { rows, goals } = toResult(3, new Map([...others, ours]), programs);
    assert.equal(rows.length, 4);
    assert.ok(goals.every(({ name }) => !name.startsWith('added')));
  });

  it('pairs rounds, and no others', () => {
    assert.deepEqual(differences([5, 7], [3, 10]), [2, -3]);
    assert.throws(() => differences([1, 2], [1]));
  });
});

describe('bench harness: output', () => {
  const result: BenchResult = {
    bench: 'first-frame',
    machine: describeMachine({ chromium: '1.2.3' }),
    rounds: 2,
    rows: [
      { contender: 'bare', firstFrame_ms: 9.5 },
      { contender: 'tai-room', firstFrame_ms: 100, messages: 5 },
    ],
    goals: [goal('tai-room / bare', 1.2, 1.15, 'lower')],
  };

  it('is exactly one JSON object with the five members', () => {
    const text = formatResult(result, true);
    assert.equal(text.trimEnd().includes('\n'), false);
    const parsed = JSON.parse(text) as BenchResult;
    assert.deepEqual(Object.keys(parsed), ['bench', 'machine', 'rounds', 'rows', 'goals']);
    assert.deepEqual(parsed, result);
    assert.deepEqual(parsed.goals[0], {
      name: 'tai-room / bare',
      value: 1.2,
      limit: 1.15,
      better: 'lower',
      met: false,
    });
  });

  it('shows a missed goal to people', () => {
    assert.match(formatResult(result, false), /tai-room \/ bare\s+1\.2\s+≤ 1\.15\s+NO/);
  });

  it('aligns columns, numbers to the right, holes left empty', () => {
    assert.equal(
      formatTable(result.rows),
      ['contender  firstFrame_ms  messages', 'bare                 9.5', 'tai-room             100         5', ''].join(
        '\n',
      ),
    );
  });

  it('names neither the machine nor a path', () => {
    const text = JSON.stringify(describeMachine());
    for (const name of [hostname(), homedir(), process.cwd()]) assert.equal(text.includes(name), false);
  });
});
