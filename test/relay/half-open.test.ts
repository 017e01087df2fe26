/** Sockets whose other end is gone or only slow, on the runtime itself: which of them the relay ends, and how soon. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { formatResumeOffer } from '../../src/engine/protocol/resume.ts';
import { openRaw } from '../helpers/raw-client.ts';
import { enter, messageText } from '../helpers/relay-client.ts';
import type { Guest } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';

const HALF_OPEN_MAX_MS = 20_000;
const TALK_EVERY_MS = 500;

let relay: RelayProcess;

before(async () => {
  relay = await startRelayProcess({ runtime: 'workerd' });
});

after(async () => {
  await relay.stop();
});

function isTold(guest: Guest, method: string, peerId: string): boolean {
  return guest.client.inbox.some((text) => text.includes(`"${method}"`) && text.includes(peerId));
}

describe('LM12: a socket that is silent', () => {
  it('is ended within 20 s where nobody is behind it, kept where somebody answers; and what it missed is kept', async (t) => {
    const room = await createTestRoom();
    const [alice, bob] = [await enter(relay.url, room), await enter(relay.url, room)];
    // as a page whose timers stand still: it answers what it hears, and says nothing by itself
    const hidden = await enter(relay.url, room);
    hidden.client.socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (String(data).includes('"probe"')) hidden.client.send('ping');
    });
    const deadId = randomPeerId();
    const startMs = Date.now();
    const dead = await openRaw(relay.port, await offerFor(room, { peerId: deadId }));
    const said: string[] = [];
    while (!isTold(alice, 'peer_left', deadId) && Date.now() - startMs < 2 * HALF_OPEN_MAX_MS) {
      const payload = `AAAA${said.length}`;
      bob.client.send(messageText(bob, deadId, payload));
      alice.client.send('ping');
      said.push(payload);
      await delay(TALK_EVERY_MS);
    }
    const tookMs = Date.now() - startMs;
    t.diagnostic(`found after ${tookMs} ms`);
    assert.ok(tookMs <= HALF_OPEN_MAX_MS, `${tookMs} ms`);
    assert.deepEqual(await dead.closed(), { code: 1001, reason: 'silent' });
    assert.equal(hidden.client.isClosed, false);
    assert.ok(!isTold(alice, 'peer_left', hidden.peerId));
    assert.ok(
      hidden.client.inbox.some((text) => text.includes('"probe"')),
      'it was asked',
    );

    // it was only slow after all, and has heard three of them
    const [welcome] = dead.texts;
    assert.ok(welcome);
    const { params } = JSON.parse(welcome) as { params: { ep: string; join_number: number } };
    const claims = { peerId: deadId, joinNumber: params.join_number };
    const offer = await offerFor(room, claims);
    const back = await openRaw(relay.port, [...offer, formatResumeOffer({ ep: params.ep, n: 3 })]);
    const last = said.at(-1);
    assert.ok(last);
    await back.heard((text) => text.includes(`"${last}"`));
    const heard = back.texts.flatMap((text) => /"payload":"([^"]+)"/.exec(text)?.[1] ?? []);
    assert.deepEqual(heard, said.slice(3));
    dead.socket.destroy();
    back.socket.destroy();
    await Promise.all([alice, bob, hidden].map(({ client }) => client.close()));
  });
});
