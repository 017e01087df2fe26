import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Store } from '../../src/engine/room/store.ts';
import { ALICE, BOB } from '../helpers/samples.ts';
import { certificateOf } from './step-fixtures.ts';

describe('the store', () => {
  it('carries out the effects in the caller’s task, with the new state in place, then tells of the change once', () => {
    const log: string[] = [];
    const store: Store = new Store(
      (effect) => log.push(`${effect.type} ${store.state.call.phase}`),
      () => log.push('changed'),
    );
    store.dispatch({ type: 'join', peerId: ALICE });
    assert.deepEqual(log, ['connect-relay joining', 'changed']);
  });

  it('lets an event wait that an effect causes at once, until all effects before it are carried out', () => {
    const log: string[] = [];
    const store: Store = new Store(
      (effect) => {
        log.push(effect.type === 'tell' ? effect.moment.type : effect.type);
        if (effect.type === 'connect-relay') {
          store.dispatch({
            type: 'welcome',
            joinNumber: 2,
            certificate: certificateOf(ALICE),
            peers: [{ peerId: BOB, joinNumber: 1 }],
          });
          assert.equal(store.state.call.phase, 'joining');
        }
      },
      () => log.push('changed'),
    );
    store.dispatch({ type: 'join', peerId: ALICE });
    assert.deepEqual(log, ['connect-relay', 'joined', 'open-link', 'make-offer', 'start-timer', 'changed']);
  });

  it('tells of no change where there was none', () => {
    const told: boolean[] = [];
    const store = new Store(
      () => assert.fail(),
      (isChanged) => told.push(isChanged),
    );
    store.dispatch({ type: 'relay-lost' });
    assert.deepEqual(told, [false]);
    assert.equal(store.state.call.phase, 'idle');
  });

  it('goes on after an effect has thrown', () => {
    let throws = true;
    const store = new Store(
      () => {
        if (throws) throw new Error('port');
      },
      () => undefined,
    );
    assert.throws(() => store.dispatch({ type: 'join', peerId: ALICE }), /port/);
    throws = false;
    store.dispatch({ type: 'leave' });
    assert.deepEqual(store.state.call, { phase: 'left', reason: 'left' });
  });
});
