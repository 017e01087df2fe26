/** Texts kept as bytes: each is read as it was, for as long as it is kept, wherever in a buffer it stands. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RING_BYTES_MAX } from '../../relay-worker/limits.ts';
import { TextArena } from '../../relay-worker/text-arena.ts';
import type { KeptText } from '../../relay-worker/text-arena.ts';
import { RELAY_TEXT_MAX } from '../../src/engine/protocol/relay.ts';
import { Random } from '../helpers/random.ts';

const SEED = 11;
const STEPS = 5_000;

describe('the arena of texts', () => {
  it(`gives back what it was given, in any order of letting go: ${STEPS} steps, seed ${SEED}`, () => {
    const random = new Random(SEED);
    const arena = new TextArena();
    const kept: { readonly text: string; readonly place: KeptText }[] = [];
    let most = 0;
    for (let step = 0; step < STEPS; step++) {
      if (kept.length > 0 && random.chance(kept.length / 200)) {
        // the oldest mostly, as the ring does; from the middle where a peer is forgotten
        const [gone] = kept.splice(random.chance(0.8) ? 0 : random.below(kept.length), 1);
        if (gone) arena.release(gone.place);
      } else {
        const length = random.chance(0.05) ? RELAY_TEXT_MAX : random.below(4_000);
        const text = String.fromCharCode(97 + random.below(26)).repeat(length);
        kept.push({ text, place: arena.keep(text) });
      }
      most = Math.max(most, kept.length);
      const one = kept[random.below(kept.length + 1)];
      if (one) assert.equal(arena.read(one.place), one.text, `seed ${SEED}, step ${step}`);
    }
    assert.ok(most > 50, 'there was something to mix up');
    for (const { text, place } of kept) assert.equal(arena.read(place), text);
  });

  it('of a ring: buffers are used again, and are at most 4/3 of the texts and two more, whatever their lengths', () => {
    for (const lengthOf of [
      () => 8_192,
      () => 16_385,
      () => 16_384,
      () => RELAY_TEXT_MAX,
      () => new Random(SEED).below(RELAY_TEXT_MAX),
    ]) {
      const arena = new TextArena();
      const ring: KeptText[] = [];
      let texts = 0;
      for (let i = 0; i < 1_000; i++) {
        ring.push(arena.keep('x'.repeat(lengthOf())));
        texts += ring.at(-1)?.length ?? 0;
        for (; texts > RING_BYTES_MAX;) {
          const oldest = ring.shift();
          assert.ok(oldest);
          texts -= oldest.length;
          arena.release(oldest);
        }
        assert.ok(arena.bytes <= (texts * 4) / 3 + 2 * RELAY_TEXT_MAX, `${arena.bytes} for ${texts}`);
      }
    }
  });
});
