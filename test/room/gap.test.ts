/** RL22: what a room does when some of what was said to it is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LINK_RETRY_MS } from '../../src/engine/room/peers.ts';
import { BOB, CAROL } from '../helpers/samples.ts';
import { linked, listed, unlisted } from './step-fixtures.ts';
import { StepRunner } from './step-runner.ts';

describe('RL22: a gap', () => {
  it('has everybody asked how things are, and every link looked at', () => {
    const room = linked();
    room.run(listed(CAROL, 3));
    const effects = room.run({ type: 'relay-gap' });
    const asked = effects.flatMap((effect) =>
      effect.type === 'send' && effect.message.type === 'presence' ? [[effect.to, effect.message.isAsking]] : [],
    );
    assert.deepEqual(asked, [
      [BOB, true],
      [CAROL, true],
    ]);
    const looked = effects.flatMap((effect) =>
      effect.type === 'start-timer' && effect.delay_ms === LINK_RETRY_MS ? [effect.id] : [],
    );
    assert.deepEqual(looked, [`link:${BOB}`, `link:${CAROL}`]);
    const rosters = effects.flatMap((effect) =>
      effect.type === 'announce-roster' ? [[effect.to, effect.isAsking, effect.isChange]] : [],
    );
    assert.deepEqual(rosters, [[[BOB], true, false]], 'of those with whom there are keys');
  });

  it('changes nothing that is known, and says one thing under one number', () => {
    const room = linked();
    const before = room.peer(BOB);
    const effects = room.run({ type: 'relay-gap' });
    assert.deepEqual(room.peer(BOB), before);
    const numbers = effects.flatMap((effect) => {
      if (effect.type === 'announce-roster') return [effect.seq];
      return effect.type === 'send' && 'seq' in effect.message ? [effect.message.seq] : [];
    });
    assert.deepEqual([numbers.length, new Set(numbers).size], [2, 1]);
  });

  it('asks nobody over a relay that does not list them, and means nothing outside the room', () => {
    const room = linked();
    room.run(unlisted);
    const effects = room.run({ type: 'relay-gap' });
    assert.deepEqual(
      effects.filter(({ type }) => type === 'send'),
      [],
    );
    assert.deepEqual(new StepRunner().run({ type: 'relay-gap' }), []);
  });
});
