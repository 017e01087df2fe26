/** RL24: each message of the relay once, and holes seen. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamPosition } from '../../src/engine/transport/stream-position.ts';
import { Random } from '../helpers/random.ts';

function at(ep: string, n: number): StreamPosition {
  const position = new StreamPosition();
  position.begin({ ep, n });
  return position;
}

describe('RL24: the place in what the relay has sent', () => {
  it('is nowhere before anything has come, and then behind the last message without a hole', () => {
    const position = new StreamPosition();
    assert.equal(position.place, undefined);
    assert.equal(position.take({ ep: 'a', n: 1 }), 'next');
    assert.deepEqual(position.place, { ep: 'a', n: 1 });
  });

  it('stays before a hole until it is filled', () => {
    const position = at('a', 1);
    assert.deepEqual(
      [3, 5, 3, 1, 2, 4, 6].map((n) => position.take({ ep: 'a', n })),
      ['ahead', 'ahead', 'again', 'again', 'ahead', 'next', 'next'],
    );
    assert.deepEqual(position.place, { ep: 'a', n: 6 });
  });

  it('begins anew with another instance, whose first messages may be missing too', () => {
    const position = at('a', 7);
    assert.equal(position.take({ ep: 'b', n: 2 }), 'ahead');
    assert.deepEqual(position.place, { ep: 'b', n: 0 });
    assert.equal(position.take({ ep: 'b', n: 1 }), 'next');
    assert.deepEqual(position.place, { ep: 'b', n: 2 });
  });

  it('gives a hole up behind 256 later messages', () => {
    const position = at('a', 0);
    for (let n = 2; n <= 257; n++) assert.equal(position.take({ ep: 'a', n }), 'ahead');
    assert.equal(position.take({ ep: 'a', n: 300 }), 'lost');
    assert.deepEqual(position.place, { ep: 'a', n: 300 });
    assert.equal(position.take({ ep: 'a', n: 1 }), 'again');
    assert.equal(position.take({ ep: 'a', n: 301 }), 'next');
  });

  it('fuzz: in any order, with any repetition, each is taken once', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = new Random(seed);
      const position = at('a', 0);
      const taken: number[] = [];
      const coming = Array.from({ length: 100 }, (_, i) => i + 1);
      while (coming.length > 0) {
        const index = random.below(Math.min(coming.length, 40));
        const [n = 0] = random.chance(0.5) ? coming.splice(index, 1) : [coming[index]];
        if (position.take({ ep: 'a', n }) !== 'again') taken.push(n);
      }
      assert.deepEqual([taken.length, new Set(taken).size], [100, 100], `seed ${seed}`);
      assert.deepEqual(position.place, { ep: 'a', n: 100 });
    }
  });
});
