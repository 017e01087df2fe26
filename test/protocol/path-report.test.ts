/** OP4, OP5: a report that says nothing for sure, and what follows from many of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CHANCES,
  LINK_PATHS,
  PATH_REPORT_TEXT_MAX,
  TRUTH_CHANCES,
  estimatedPaths,
  formatPathReport,
  parsePathReport,
  randomisedPath,
} from '../../src/engine/protocol/path-report.ts';
import type { LinkPath } from '../../src/engine/protocol/path-report.ts';
import { fuzzParser } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const REPORTS = 20_000;
const TRUTH = { direct: 0.82, relayed: 0.15, failed: 0.03 } as const;

function count(paths: readonly LinkPath[]): Record<LinkPath, number> {
  const of = (path: LinkPath): number => paths.filter((one) => one === path).length;
  return { direct: of('direct'), relayed: of('relayed'), failed: of('failed') };
}

describe('OP4: a report', () => {
  it('reads back; anything else is none', () => {
    for (const path of LINK_PATHS) assert.equal(parsePathReport(formatPathReport(path)), path);
    for (const bad of ['', 'direct', '{}', '[]', '{"path":"none"}', '{"path":1}', '{"path":["direct"]}', 'null']) {
      assert.equal(parsePathReport(bad), undefined);
    }
    assert.equal(parsePathReport(formatPathReport('direct').padEnd(PATH_REPORT_TEXT_MAX + 1)), undefined);
    fuzzParser({ samples: LINK_PATHS.map(formatPathReport), parse: parsePathReport, format: formatPathReport });
  });
});

describe('OP5: what is told', () => {
  it('is the truth in three of five chances and each other word in one: no word is more than e^ε = 3 times as likely', () => {
    for (const truth of LINK_PATHS) {
      const told = count(Array.from({ length: CHANCES }, (_, chance) => randomisedPath(truth, chance)));
      for (const path of LINK_PATHS) assert.equal(told[path], path === truth ? TRUTH_CHANCES : 1);
    }
    assert.deepEqual([TRUTH_CHANCES / 1, CHANCES], [3, 5]);
  });

  it('gives back how many there were, exactly on average', () => {
    const expected = { direct: 500, relayed: 90, failed: 10 };
    // Every chance as often as it should come.
    const told = LINK_PATHS.flatMap((truth) =>
      Array.from({ length: expected[truth] }, (_, n) => randomisedPath(truth, n % CHANCES)),
    );
    assert.deepEqual(estimatedPaths(count(told)), expected);
  });

  it('gives it back within four standard errors for every seed', () => {
    const p = TRUTH_CHANCES / CHANCES;
    const q = 1 / CHANCES;
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const truths = Array.from({ length: REPORTS }, (): LinkPath => {
        const at = random.uint32() / 2 ** 32;
        return at < TRUTH.direct ? 'direct' : at < TRUTH.direct + TRUTH.relayed ? 'relayed' : 'failed';
      });
      const were = count(truths);
      const estimated = estimatedPaths(count(truths.map((truth) => randomisedPath(truth, random.below(CHANCES)))));
      for (const path of LINK_PATHS) {
        const variance = were[path] * p * (1 - p) + (REPORTS - were[path]) * q * (1 - q);
        const standardError = Math.sqrt(variance) / (p - q);
        const off = Math.abs(estimated[path] - were[path]);
        assert.ok(off <= 4 * standardError, `seed ${seed}, ${path}: ${off} off, standard error ${standardError}`);
        // what the document and the comment say of it
        assert.ok(standardError <= 1.23 * Math.sqrt(REPORTS));
      }
      const sum = estimated.direct + estimated.relayed + estimated.failed;
      assert.ok(Math.abs(sum - REPORTS) < 1e-6);
    }
  });
});
