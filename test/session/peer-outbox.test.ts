import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { PeerOutbox } from '../../src/engine/peer-outbox.ts';
import type { HandedBundle } from '../../src/engine/protocol/bundle.ts';
import type { PeerMessage } from '../../src/engine/protocol/peer.ts';

const BUNDLE: HandedBundle = { head: 'c2VhbGVk' };

let isSession: boolean;
let delivered: string[];
let dropped: string[];
/** What the relay answers, in order; none = it never does. */
let answers: (HandedBundle | undefined | Error)[];
let begun: HandedBundle[];
let begins: boolean[];
let deliver: (name: string) => Promise<void>;
let outbox: PeerOutbox;

beforeEach(() => {
  isSession = false;
  [delivered, dropped, answers, begun, begins] = [[], [], [], [], []];
  deliver = async (name) => void delivered.push(name);
  outbox = new PeerOutbox({
    isSession: () => isSession,
    fetch: async () => {
      if (answers.length === 0) return new Promise(() => {});
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    begin: async (bundle) => {
      begun.push(bundle);
      isSession = begins.shift() ?? true;
      return isSession;
    },
    deliver: (message) => deliver(nameOf(message)),
    onDropped: (reason) => void dropped.push(reason),
  });
});

function named(name: string): PeerMessage {
  return { type: 'presence', link: 1, seq: 1, presence: { name, publications: [] }, isAsking: false };
}

function nameOf(message: PeerMessage): string {
  return message.type === 'presence' ? message.presence.name : message.type;
}

/** All that can be done is done: nothing here takes more than a turn. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

describe('What is said to a peer', () => {
  it('goes out in order where there is a session', async () => {
    isSession = true;
    for (const name of ['a', 'b', 'c']) outbox.send(named(name));
    await settled();
    assert.deepEqual([delivered, dropped], [['a', 'b', 'c'], []]);
  });

  it('is not said where the other side has to begin, and is counted', async () => {
    outbox.send(named('a'));
    await settled();
    assert.deepEqual([delivered, dropped], [[], ['no-session']]);
  });

  it('is held back while ours is being begun, and then said first', async () => {
    outbox.meet(BUNDLE);
    outbox.send(named('a'));
    outbox.send(named('b'));
    assert.deepEqual(delivered, []);
    await settled();
    outbox.send(named('c'));
    await settled();
    assert.deepEqual([delivered, dropped, begun], [['a', 'b', 'c'], [], [BUNDLE]]);
  });

  it('is held back for 64 messages, not for ever', async () => {
    outbox.meet();
    for (let i = 0; i < 70; i++) outbox.send(named(`${i}`));
    assert.deepEqual(
      dropped,
      Array.from({ length: 6 }, () => 'no-session'),
    );
    isSession = true;
    outbox.opened();
    await settled();
    assert.deepEqual(
      delivered,
      Array.from({ length: 64 }, (_, i) => `${i}`),
    );
  });

  it('goes on after one that could not be said', async () => {
    isSession = true;
    deliver = async (name) => {
      if (name === 'b') throw new Error('sealing failed');
      delivered.push(name);
    };
    for (const name of ['a', 'b', 'c']) outbox.send(named(name));
    await settled();
    assert.deepEqual([delivered, dropped], [['a', 'c'], ['signalling-failed']]);
  });
});

describe('The relay’s bundle for it', () => {
  it('is asked for where it did not come along, and again where there was none yet', async () => {
    answers = [undefined, BUNDLE];
    outbox.meet();
    outbox.send(named('a'));
    await settled();
    assert.deepEqual([delivered, begun], [[], []]);
    outbox.meet();
    await settled();
    assert.deepEqual([delivered, begun], [['a'], [BUNDLE]]);
  });

  it('is not asked for where there is a session, and begins none a second time', async () => {
    isSession = true;
    answers = [BUNDLE];
    outbox.meet();
    outbox.meet(BUNDLE);
    await settled();
    assert.deepEqual([answers.length, begun], [1, []]);
  });

  it('that is refused begins nothing: what is held back waits for a better one', async () => {
    begins = [false, true];
    outbox.meet(BUNDLE);
    outbox.send(named('a'));
    await settled();
    assert.deepEqual(delivered, []);
    outbox.meet(BUNDLE);
    await settled();
    assert.deepEqual([delivered, begun.length], [['a'], 2]);
  });

  it('that never comes holds nothing back once the peer has begun by itself', async () => {
    outbox.meet();
    outbox.send(named('a'));
    await settled();
    isSession = true;
    outbox.opened();
    outbox.send(named('b'));
    await outbox.idle();
    assert.deepEqual([delivered, dropped], [['a', 'b'], []]);
  });

  it('is asked for again where nobody answers; what waited was for another connection', async () => {
    answers = [undefined, BUNDLE];
    outbox.meet();
    outbox.send(named('old'));
    await settled();
    outbox.meetAgain();
    outbox.send(named('new'));
    await settled();
    assert.deepEqual([delivered, begun], [['new'], [BUNDLE]]);
  });

  it('that cannot be asked for is counted', async () => {
    answers = [new Error('the socket is gone'), BUNDLE];
    outbox.meet();
    outbox.send(named('a'));
    await settled();
    assert.deepEqual([delivered, dropped], [[], ['signalling-failed']]);
    outbox.meet();
    await settled();
    assert.deepEqual(delivered, ['a']);
  });
});

describe('The end of it', () => {
  it('waits for what can be said, and says nothing that was held back', async () => {
    outbox.meet();
    outbox.send(named('held'));
    outbox.giveUp();
    await outbox.idle();
    isSession = true;
    outbox.opened();
    outbox.send(named('leave'));
    await outbox.idle();
    assert.deepEqual(delivered, ['leave']);
    assert.deepEqual(dropped, []);
    outbox.giveUp();
    isSession = false;
    outbox.send(named('late'));
    assert.deepEqual(dropped, ['no-session']);
  });
});
