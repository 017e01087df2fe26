/**
 * What happens in a room, step by step, on a real relay; and what each of its peers was told, in a form in which two
 * runs can be compared: names in place of ids, ranks in place of join numbers, and nothing of `n` and `ep`, which tell
 * by their very meaning that a room has slept.
 */
import assert from 'node:assert/strict';
import { isRecord, parseJson } from '../../src/engine/protocol/json.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { formatRequest } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest } from '../../src/engine/protocol/relay.ts';
import { bearer, postCall } from '../helpers/relay-calls.ts';
import { RelayClient } from '../helpers/relay-client.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';
import type { TestRoom } from '../helpers/tokens.ts';

const NAMES = ['ada', 'ben', 'cleo'] as const;
export type Name = (typeof NAMES)[number];

const BARRIER = 'barrier';

export class Cast {
  readonly room: TestRoom;
  /** All that must be found nowhere: ids, tokens and what was sealed. */
  readonly secrets = new Set<string>();
  readonly #url: string;
  readonly #peerIds = new Map<Name, PeerId>();
  readonly #clients = new Map<Name, RelayClient>();
  readonly #numbers = new Map<Name, number>();
  readonly #told: string[] = [];
  #barriers = 0;

  private constructor(url: string, room: TestRoom) {
    this.#url = url;
    this.room = room;
    for (const name of NAMES) this.#peerIds.set(name, randomPeerId());
    for (const id of [room.roomId, ...this.#peerIds.values()]) this.secrets.add(id);
  }

  static async meet(url: string): Promise<Cast> {
    return new Cast(url, await createTestRoom());
  }

  /** What everybody was told so far, and how sockets ended. */
  get told(): readonly string[] {
    return this.#told;
  }

  peerId(name: Name): PeerId {
    const peerId = this.#peerIds.get(name);
    assert.ok(peerId);
    return peerId;
  }

  client(name: Name): RelayClient {
    const client = this.#clients.get(name);
    assert.ok(client, `${name} is not in the room`);
    return client;
  }

  /** Comes in, or back in place of its own older socket. */
  async enter(name: Name): Promise<void> {
    const offer = await offerFor(this.room, { peerId: this.peerId(name), joinNumber: this.#numbers.get(name) ?? 0 });
    this.secrets.add(offer[1] ?? '');
    const old = this.#clients.get(name);
    const client = new RelayClient(this.#url, offer);
    const text = await client.text((one) => one.includes('"welcome"'), 'welcome');
    client.inbox.unshift(text);
    const { params } = JSON.parse(text) as { params: { join_number: number } };
    this.#numbers.set(name, params.join_number);
    this.#clients.set(name, client);
    if (old) {
      // The runtime leaves the end of a connection that it has closed to the client.
      old.socket.close();
      const { code, reason } = await old.closed();
      this.#told.push(`${name} has ended: ${code} ${reason}`);
    }
  }

  /** Its socket ends: by itself, or because of what was said last. */
  async leave(name: Name, isByItself = true): Promise<void> {
    const client = this.client(name);
    if (isByItself) client.socket.close(1000);
    const { code, reason } = await client.closed();
    this.#note(name, client);
    this.#told.push(`${name} has ended: ${code} ${reason}`);
    this.#clients.delete(name);
  }

  say(name: Name, request: ClientRequest, id?: string): void {
    this.client(name).send(formatRequest(request, id));
  }

  async call(name: Name, request: ClientRequest): Promise<void> {
    const authorization = await bearer(this.room, { peerId: this.peerId(name) });
    this.secrets.add(authorization.split(' ')[1] ?? '');
    const { status, text } = await postCall(this.#url, formatRequest(request, 'call'), authorization);
    this.#told.push(`${name} over HTTP: ${status} ${this.#comparable(text)}`);
  }

  /** All that was said is done, and all that follows from it is told. */
  async settle(): Promise<void> {
    // The room does one thing after another: what it tells a peer after that was said stands before this answer. Twice,
    // since a peer may be told of what is done between its own answer and another's.
    for (let round = 0; round < 2; round++) {
      const id = `${BARRIER}-${this.#barriers++}`;
      for (const [name, client] of this.#clients) {
        const params = { room_id: this.room.roomId, peer_id: this.peerId(name) };
        client.send(formatRequest({ method: 'join', params }, id));
      }
      await Promise.all([...this.#clients.values()].map((client) => client.answer(id)));
    }
    for (const [name, client] of this.#clients) this.#note(name, client);
  }

  #note(name: Name, client: RelayClient): void {
    for (const text of client.inbox.splice(0)) this.#told.push(`${name}: ${this.#comparable(text)}`);
  }

  #comparable(text: string): string {
    let written = text;
    for (const [name, peerId] of this.#peerIds) written = written.replaceAll(peerId, name);
    written = written.replaceAll(this.room.roomId, 'room');
    const value = parseJson(written);
    return isRecord(value) ? JSON.stringify(this.#withoutInstance(value)) : written;
  }

  #withoutInstance(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#withoutInstance(item));
    if (!isRecord(value)) return value;
    const ranks = [...this.#numbers.values()].toSorted((a, b) => a - b);
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => key !== 'n' && key !== 'ep')
        .map(([key, item]) => [key, key === 'join_number' ? ranks.indexOf(Number(item)) : this.#withoutInstance(item)]),
    );
  }
}

export type Step = (cast: Cast) => Promise<void> | void;

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

/** Every method, notification and way to end of a room, whole presences long. */
export const FLOWS: Readonly<Record<string, readonly Step[]>> = {
  'coming and going': [
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
  'messages and faults': [
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
  'pre-key bundles': [
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
    (cast) => cast.call('ben', { method: 'delete_bundle', params: roomOf(cast) }),
  ],
};
