/**
 * The people of a flow (flows.ts) on a real relay, and what each of them was told, in a form in which two runs can be
 * compared: names in place of ids, ranks in place of join numbers, and nothing of `n`, `ep` and probes, which tell by
 * their very meaning that a room has slept.
 */
import assert from 'node:assert/strict';
import { fromBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import type { HostAction } from '../../src/engine/protocol/host.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { isRecord, parseJson } from '../../src/engine/protocol/json.ts';
import { formatRequest, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest } from '../../src/engine/protocol/relay.ts';
import { formatResumeOffer } from '../../src/engine/protocol/resume.ts';
import type { StreamPlace } from '../../src/engine/protocol/resume.ts';
import { createHostedTestRoom, hostClaims, hostOfferFor, hostRequest, signHostClaims } from '../helpers/hosts.ts';
import type { HostedRoom } from '../helpers/hosts.ts';
import { bearer, postCall } from '../helpers/relay-calls.ts';
import { RelayClient } from '../helpers/relay-client.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';
import type { TestRoom } from '../helpers/tokens.ts';

const NAMES = ['ada', 'ben', 'cleo', 'dora'] as const;
export type Name = (typeof NAMES)[number];

const BARRIER = 'barrier';

export class Cast {
  readonly room: TestRoom;
  /** All that must be found nowhere: ids, tokens, statements and what was sealed. */
  readonly secrets = new Set<string>();
  /** Methods that were called, and notifications that came. */
  readonly requested = new Set<string>();
  readonly notified = new Set<string>();
  readonly #url: string;
  readonly #hosted: HostedRoom | undefined;
  readonly #peerIds = new Map<Name, PeerId>();
  readonly #clients = new Map<Name, RelayClient>();
  readonly #numbers = new Map<Name, number>();
  /** A host's statements, by what they say. */
  readonly #statements = new Map<string, string>();
  readonly #told: string[] = [];
  #ep = '';
  #asked = 0;

  private constructor(url: string, room: TestRoom, hosted?: HostedRoom) {
    this.#url = url;
    this.room = room;
    this.#hosted = hosted;
    for (const name of NAMES) this.#peerIds.set(name, randomPeerId());
    for (const id of [room.roomId, ...this.#peerIds.values()]) this.secrets.add(id);
  }

  static async meet(url: string, hasHost = false): Promise<Cast> {
    if (!hasHost) return new Cast(url, await createTestRoom());
    const hosted = await createHostedTestRoom();
    return new Cast(url, hosted, hosted);
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

  /** Comes in, or back in place of its own older socket; or stands outside, where the host wants to be asked. */
  async enter(name: Name, { isHost = false, place }: EnterOptions = {}): Promise<void> {
    const old = this.#clients.get(name);
    const client = await this.#knockAtDoor(name, isHost, place);
    const isIn = (one: string): boolean => one.includes('"welcome"') || one.includes('"waiting"');
    client.inbox.unshift(await client.text(isIn, 'welcome'));
    this.#clients.set(name, client);
    if (!old) return;
    // The runtime leaves the end of a connection that it has closed to the client.
    old.socket.close();
    const { code, reason } = await old.closed();
    this.#told.push(`${name} has ended: ${code} ${reason}`);
  }

  /** Is not let in. */
  async isRefused(name: Name): Promise<void> {
    const client = await this.#knockAtDoor(name, false);
    const { code, reason } = await client.closed();
    this.#told.push(`${name} was refused: ${code} ${reason}`);
    for (const text of client.inbox) this.#told.push(`${name}: ${this.#comparable(text)}`);
  }

  /** Its socket ends: by itself, or because of what was said last. */
  async leave(name: Name, isByItself = true): Promise<void> {
    const client = this.client(name);
    if (isByItself) client.socket.close(1000);
    const { code, reason } = await client.closed();
    this.#note([[name, client]]);
    this.#told.push(`${name} has ended: ${code} ${reason}`);
    this.#clients.delete(name);
  }

  /** Everybody who is still here goes. */
  async part(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
    this.#clients.clear();
  }

  say(name: Name, request: ClientRequest, id?: string): void {
    this.requested.add(request.method);
    this.client(name).send(formatRequest(request, id));
  }

  /**
   * As the host's page does: a statement for an instance that is no more is made anew for the one that answers. `from`: who says it,
   * the host or somebody who is not.
   */
  async state(from: Name, action: HostAction, target?: Name): Promise<void> {
    assert.ok(this.#hosted, 'a room without a host');
    const said = { from: this.peerId(from), ep: this.#ep, target: target && this.peerId(target) };
    const statement = await signHostClaims(hostClaims(this.#hosted, action, said), this.#hosted.hostKey);
    this.#statements.set(statement, `${action} ${target ?? ''}`);
    this.secrets.add(statement);
    const id = `${action} ${++this.#asked}`;
    this.say(from, hostRequest(this.room.roomId, statement), id);
    const answer = await this.client(from).answer(id);
    const ep = answer.type === 'error' && answer.reason === 'host-stale' ? answer.data?.ep : undefined;
    if (ep !== undefined && ep !== this.#ep) {
      this.#ep = ep;
      return await this.state(from, action, target);
    }
    this.#told.push(`${from} stating ${action}: ${answer.type === 'error' ? answer.reason : answer.type}`);
  }

  /** Over HTTP; `nonce`: of another page than its own. */
  async call(name: Name, request: ClientRequest, nonce?: Bytes): Promise<void> {
    const authorization = await bearer(this.room, { peerId: this.peerId(name), ...(nonce && { nonce }) });
    this.#keepSecret(authorization.split(' ')[1]);
    const { status, text } = await postCall(this.#url, formatRequest(request, 'call'), authorization);
    this.#told.push(`${name} over HTTP: ${status} ${this.#comparable(text)}`);
  }

  /** A message that is waited for: its place in what the relay has told `to`. */
  async pass(from: Name, to: Name, payload: string): Promise<StreamPlace> {
    this.secrets.add(payload);
    const params = { room_id: this.room.roomId, target_peer_id: this.peerId(to), payload };
    this.say(from, { method: 'relay_message', params });
    const { n, ep, ...told } = await this.client(to).notification('relay_message');
    this.#told.push(`${to} was passed: ${this.#comparable(JSON.stringify(told))}`);
    return { n, ep };
  }

  /** `name` has been told that `gone` has left. */
  async hasLost(name: Name, gone: Name): Promise<void> {
    const peerId = this.peerId(gone);
    await this.client(name).message(
      (one) => one.type === 'notification' && one.method === 'peer_left' && one.params.peer_id === peerId,
      `the end of ${gone}`,
    );
    this.#told.push(`${name} has lost ${gone}`);
  }

  /** All that was said is done, and all that follows from it is told. */
  async settle(): Promise<void> {
    // The room does one thing after another: what it tells a peer after that was said stands before this answer. Twice,
    // since a peer may be told of what is done between its own answer and another's.
    for (let round = 0; round < 2; round++) {
      const id = `${BARRIER}-${++this.#asked}`;
      const here = [...this.#clients].filter(([, client]) => client.socket.readyState === WebSocket.OPEN);
      for (const [name, client] of here) {
        const params = { room_id: this.room.roomId, peer_id: this.peerId(name) };
        client.send(formatRequest({ method: 'join', params }, id));
      }
      // whose socket was ended just then has nothing more to answer
      await Promise.all(here.map(([, client]) => client.answer(id).catch(() => assert.ok(client.isClosed))));
    }
    this.#note([...this.#clients]);
  }

  async #knockAtDoor(name: Name, isHost: boolean, place?: StreamPlace): Promise<RelayClient> {
    const [peerId, joinNumber] = [this.peerId(name), this.#numbers.get(name) ?? 0];
    const offer =
      isHost && this.#hosted
        ? await hostOfferFor(this.#hosted, peerId, joinNumber)
        : await offerFor(this.room, { peerId, joinNumber });
    for (const part of offer.slice(1)) this.#keepSecret(part);
    return new RelayClient(this.#url, place ? [...offer, formatResumeOffer(place)] : offer);
  }

  /** Of a token or a statement what would be found in a log, whatever stands around it. */
  #keepSecret(text = ''): void {
    const secret = text.split('.').at(-1);
    assert.ok(secret && fromBase64Url(secret), text);
    this.secrets.add(secret);
  }

  /** First who came in where: others may have been told of it already. */
  #note(clients: readonly (readonly [Name, RelayClient])[]): void {
    const taken = clients.map(([name, client]) => [name, client.inbox.splice(0)] as const);
    for (const [name, texts] of taken) for (const text of texts) this.#learn(name, text);
    for (const [name, texts] of taken) {
      for (const text of texts) {
        if (!text.includes('"probe"')) this.#told.push(`${name}: ${this.#comparable(text)}`);
      }
    }
  }

  #learn(name: Name, text: string): void {
    const message = parseRelayText(text);
    if (message?.type !== 'notification') return;
    this.notified.add(message.method);
    if (message.method !== 'welcome') return;
    this.#numbers.set(name, message.params.join_number);
    this.#ep = message.params.ep;
  }

  #comparable(text: string): string {
    let written = text;
    for (const [name, peerId] of this.#peerIds) written = written.replaceAll(peerId, name);
    for (const [statement, meaning] of this.#statements) written = written.replaceAll(statement, meaning);
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

type EnterOptions = { readonly isHost?: boolean; readonly place?: StreamPlace };
