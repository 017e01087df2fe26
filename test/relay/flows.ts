/** What happens in a room, step by step: whole presences, in which every method and every notification occurs. */
import { TOKEN_NONCE_BYTES } from '../../src/engine/protocol/token.ts';
import type { HostAction } from '../../src/engine/protocol/host.ts';
import type { TestRoom } from '../helpers/tokens.ts';
import { Cast } from './cast.ts';
import type { Name } from './cast.ts';

export type Step = (cast: Cast) => Promise<void> | void;
export type Flow = { readonly hasHost?: boolean; readonly steps: readonly Step[] };

/** Everything that happens in a flow, in a room of its own. `beforeStep` is called before each step. */
export async function play(
  url: string,
  { steps, hasHost }: Flow,
  beforeStep: (cast: Cast, step: number) => Promise<void> = () => Promise.resolve(),
): Promise<Cast> {
  const cast = await Cast.meet(url, hasHost);
  for (const [index, step] of steps.entries()) {
    await beforeStep(cast, index);
    await step(cast);
    await cast.settle();
  }
  return cast;
}

const NOTE = 'c2VhbGVkIG5hbWUgb2Ygd2hvIGtub2Nrcw';
/** A place in an instance of the room that is gone, whether or not it has slept. */
const GONE = { ep: 'ep-of-before', n: 3 };
const ANOTHERS_NONCE = new Uint8Array(TOKEN_NONCE_BYTES).fill(0x66);

const roomOf = (cast: Cast): { readonly room_id: TestRoom['roomId'] } => ({ room_id: cast.room.roomId });
const enter =
  (name: Name): Step =>
  (cast) =>
    cast.enter(name);
const pass =
  (from: Name, to: Name, payload: string, id?: string): Step =>
  (cast) => {
    cast.secrets.add(payload);
    cast.say(
      from,
      { method: 'relay_message', params: { ...roomOf(cast), target_peer_id: cast.peerId(to), payload } },
      id,
    );
  };
const publish =
  (name: Name, head: string, ...one_time: readonly string[]): Step =>
  (cast) => {
    for (const blob of [head, ...one_time]) cast.secrets.add(blob);
    cast.say(name, { method: 'publish_bundle', params: { ...roomOf(cast), head, one_time } }, 'publish');
  };
const fetchFrom =
  (name: Name, owner: Name): Step =>
  (cast) =>
    cast.say(name, { method: 'fetch_bundle', params: { ...roomOf(cast), peer_id: cast.peerId(owner) } }, 'fetch');

const state =
  (from: Name, action: HostAction, target?: Name): Step =>
  (cast) =>
    cast.state(from, action, target);
const knock =
  (name: Name): Step =>
  (cast) => {
    cast.secrets.add(NOTE);
    cast.say(name, { method: 'knock', params: { ...roomOf(cast), note: NOTE } }, 'knock');
  };
const isRefused =
  (name: Name): Step =>
  (cast) =>
    cast.isRefused(name);
/** Ended by what was said before. */
const isEnded =
  (name: Name): Step =>
  (cast) =>
    cast.leave(name, false);

/** Every method, notification and way to end of a room, whole presences long. */
export const FLOWS: Readonly<Record<string, Flow>> = {
  'coming and going': {
    steps: [
      enter('ada'),
      enter('ben'),
      (cast) => cast.say('ada', { method: 'join', params: { ...roomOf(cast), peer_id: cast.peerId('ada') } }, 'join'),
      enter('cleo'),
      enter('ben'),
      (cast) => cast.say('cleo', { method: 'join', params: { ...roomOf(cast), peer_id: cast.peerId('cleo') } }, 'join'),
      async (cast) => {
        cast.say('ada', { method: 'leave', params: roomOf(cast) }, 'leave');
        await cast.leave('ada', false);
      },
      (cast) => cast.leave('ben'),
      enter('ada'),
      pass('cleo', 'ada', 'd2VsY29tZSBiYWNr', 'm'),
      (cast) => cast.leave('cleo'),
    ],
  },
  'messages and faults': {
    steps: [
      enter('ada'),
      enter('ben'),
      pass('ada', 'ben', 'Zmlyc3QgbWVzc2FnZQ', 'm1'),
      pass('ben', 'ada', 'c2Vjb25kIG1lc3NhZ2U'),
      pass('ada', 'cleo', 'dG8gbm9ib2R5', 'm3'),
      pass('ada', 'ada', 'dG8gb25lc2VsZg', 'm4'),
      (cast) => cast.client('ben').send('no JSON'),
      (cast) => cast.client('ben').send(new Uint8Array([1, 2, 3])),
      enter('cleo'),
      pass('ada', 'cleo', 'dG8gdGhlIG5ld2NvbWVy', 'm5'),
      (cast) => cast.client('cleo').send('[]'),
      (cast) => cast.say('cleo', { method: 'join', params: { ...roomOf(cast), peer_id: cast.peerId('ada') } }, 'other'),
      pass('cleo', 'ben', 'bGFzdCBtZXNzYWdl', 'm6'),
    ],
  },
  'pre-key bundles': {
    steps: [
      enter('ada'),
      enter('ben'),
      publish('ada', 'aGVhZCBvZiBBZGE', 'b25lIG9mIEFkYQ', 'dHdvIG9mIEFkYQ'),
      fetchFrom('ben', 'ada'),
      fetchFrom('ben', 'ada'),
      enter('cleo'),
      fetchFrom('ada', 'cleo'),
      enter('ada'),
      (cast) =>
        cast.say(
          'cleo',
          {
            method: 'exchange_bundles',
            params: { ...roomOf(cast), peer_id: cast.peerId('ada'), head: 'aGVhZCBvZiBDbGVv', one_time: [] },
          },
          'exchange',
        ),
      publish('ada', 'bmV3IGhlYWQgb2YgQWRh', 'dGhyZWUgb2YgQWRh'),
      fetchFrom('cleo', 'ada'),
      (cast) => cast.call('ben', { method: 'fetch_bundle', params: { ...roomOf(cast), peer_id: cast.peerId('cleo') } }),
      (cast) => cast.say('ada', { method: 'delete_bundle', params: roomOf(cast) }, 'delete'),
      fetchFrom('ben', 'ada'),
      (cast) => cast.call('ben', { method: 'delete_bundle', params: roomOf(cast) }, ANOTHERS_NONCE),
      (cast) => cast.call('ben', { method: 'delete_bundle', params: roomOf(cast) }),
    ],
  },
  'what was missed': {
    steps: [
      enter('ada'),
      enter('ben'),
      pass('ada', 'ben', 'Zmlyc3QgdG8gYmVu', 'm1'),
      (cast) => cast.say('ben', { method: 'resume', params: { ...roomOf(cast), ...GONE } }, 'resume'),
      // These two are awake throughout: what is in memory alone is what they are about.
      async (cast) => {
        const { ep, n } = await cast.pass('ada', 'ben', 'c2FpZCB0d2ljZQ');
        cast.say('ben', { method: 'resume', params: { ...roomOf(cast), ep, n: n - 1 } }, 'again');
      },
      async (cast) => {
        const place = await cast.pass('ada', 'ben', 'YmVmb3JlIHRoZSBsb3Nz');
        await cast.leave('ben');
        await cast.hasLost('ada', 'ben');
        pass('ada', 'ben', 'd2hpbGUgYXdheQ', 'away')(cast);
        await cast.client('ada').answer('away');
        await cast.enter('ben', { place });
      },
      (cast) => cast.leave('ben'),
      (cast) => cast.enter('ben', { place: GONE }),
      pass('ada', 'ben', 'bGFzdCB0byBiZW4', 'm2'),
    ],
  },
  'a host who is asked': {
    hasHost: true,
    steps: [
      (cast) => cast.enter('ada', { isHost: true }),
      enter('ben'),
      state('ada', 'knock'),
      enter('cleo'),
      knock('cleo'),
      pass('cleo', 'ada', 'ZnJvbSBvdXRzaWRl', 'm1'),
      enter('dora'),
      state('ada', 'admit', 'cleo'),
      knock('dora'),
      state('ada', 'decline', 'dora'),
      isEnded('dora'),
      pass('cleo', 'ben', 'ZnJvbSBpbnNpZGU', 'm2'),
    ],
  },
  'a host who shuts the door': {
    hasHost: true,
    steps: [
      enter('ben'),
      (cast) => cast.enter('ada', { isHost: true }),
      state('ada', 'lock'),
      isRefused('cleo'),
      (cast) => cast.leave('ben'),
      enter('ben'),
      (cast) =>
        cast.say('ben', { method: 'host_statement', params: { ...roomOf(cast), statement: 'bm8gaG9zdA' } }, 'posing'),
      state('ada', 'open'),
      enter('cleo'),
      state('ada', 'kick', 'cleo'),
      isEnded('cleo'),
      isRefused('cleo'),
      (cast) => cast.leave('ada'),
    ],
  },
};
