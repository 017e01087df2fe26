/** JSON-RPC 2.0 at every door of the relay: its parser, a room in memory, and the real Worker by socket and over HTTP. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import type { PeerId, RoomId } from '../../src/engine/protocol/ids.ts';
import { parseClientText, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { RelayMessage, RpcId } from '../../src/engine/protocol/relay.ts';
import { openRaw } from '../helpers/raw-client.ts';
import { sendFrames } from '../helpers/raw-frames.ts';
import { bearer, postCall } from '../helpers/relay-calls.ts';
import { assertUsable, enter } from '../helpers/relay-client.ts';
import type { Guest } from '../helpers/relay-client.ts';
import { RELAY_DOCUMENT, tableUnder } from '../helpers/relay-document.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';
import { ALICE, ROOM } from '../helpers/samples.ts';
import { createTestRoom, offerFor, randomPeerId } from '../helpers/tokens.ts';
import { SPECIFICATION, edgeCases } from './json-rpc.ts';
import type { Case, Handling } from './json-rpc.ts';
import { Stage } from './room-stage.ts';

/** One fewer than the faults that end a socket. */
const CASES_A_SOCKET = 31;
/** As many calls over HTTP as a room takes at once (LM11). */
const CASES_A_ROOM = 32;

const joinOf = (room_id: RoomId, peer_id: PeerId) => ({ method: 'join', params: { room_id, peer_id } });
const deleteOf = (room_id: RoomId) => ({ method: 'delete_bundle', params: { room_id } });

function handlingOf(message: RelayMessage | undefined): Handling {
  if (!message) return { type: 'silence' };
  assert.ok(message.type !== 'notification');
  if (message.type === 'result') return { type: 'result', id: message.id };
  const reason = message.reason as RpcErrorReason;
  assert.equal(message.code, RPC_ERRORS[reason]);
  return { type: 'error', id: message.id, reason };
}

const casesOf = (call: Parameters<typeof edgeCases>[0]): readonly Case[] => [...SPECIFICATION, ...edgeCases(call)];

const inGroups = (cases: readonly Case[], size: number): Case[][] =>
  Array.from({ length: Math.ceil(cases.length / size) }, (_, at) => cases.slice(at * size, (at + 1) * size));

describe('JSON-RPC 2.0 in memory', () => {
  for (const { name, text, handling } of casesOf(joinOf(ROOM, ALICE))) {
    it(`§7, RL4: ${name}`, () => {
      const parsed = parseClientText(text);
      // What is too long by its bytes alone is for the room to see, which counts them (LM1).
      const isCounted = handling.type === 'error' && handling.reason === 'too-large';
      if (handling.type === 'result') {
        assert.deepEqual([parsed.type, parsed.id], ['request', handling.id]);
      } else if (!isCounted || parsed.type === 'fault') {
        const id = handling.type === 'silence' ? undefined : handling.id;
        assert.deepEqual([parsed.type, parsed.id], ['fault', id]);
        if (handling.type === 'error') assert.ok(parsed.type === 'fault' && parsed.reason === handling.reason);
      }
      const stage = new Stage();
      const [alice] = stage.gather(ALICE);
      assert.ok(alice);
      stage.receive(alice, text);
      const answers = alice.take();
      assert.ok(answers.length <= 1, 'answered twice');
      assert.deepEqual(handlingOf(answers[0]), handling);
    });
  }

  it('are documented: each example of the specification with what the relay makes of it', () => {
    const rows = tableUnder('JSON-RPC 2.0').map(([example = '', told = '']) => [example, told]);
    const expected = SPECIFICATION.map(({ name, handling }) => [name, toldOf(handling)]);
    assert.deepEqual(rows, expected);
    assert.ok(RELAY_DOCUMENT.includes('§7'));
  });
});

function toldOf(handling: Handling): string {
  if (handling.type === 'silence') return 'nothing';
  const id = JSON.stringify(handling.id);
  return handling.type === 'error' ? `\`${handling.reason}\`, \`id\` is \`${id}\`` : `a result, \`id\` is \`${id}\``;
}

describe('JSON-RPC 2.0 at the real Worker', () => {
  let relay: RelayProcess;

  before(async () => {
    relay = await startRelayProcess({ runtime: 'workerd' });
  });

  after(async () => {
    await relay.stop();
  });

  /** The answer to this text, and no second one: everything before the answer to a call that follows it. */
  async function askBySocket({ client, roomId, peerId }: Guest, text: string, nextId: RpcId): Promise<RelayMessage[]> {
    client.inbox.length = 0;
    client.send(text);
    client.send(JSON.stringify({ jsonrpc: '2.0', id: nextId, ...joinOf(roomId, peerId) }));
    const messages: RelayMessage[] = [];
    for (;;) {
      const message = await client.message(() => true, 'an answer');
      if (message.type === 'result' && message.id === nextId) return messages;
      messages.push(message);
    }
  }

  it('RL4: by socket, every case has its answer and no other', async () => {
    const room = await createTestRoom();
    const watcher = await enter(relay.url, room);
    // A socket bears so many faults; how many cases there are does not depend on who asks.
    for (const group of inGroups(casesOf(joinOf(room.roomId, watcher.peerId)), CASES_A_SOCKET).keys()) {
      const guest = await enter(relay.url, room);
      const cases = inGroups(casesOf(joinOf(room.roomId, guest.peerId)), CASES_A_SOCKET)[group] ?? [];
      for (const { name, text, handling } of cases) {
        const [answer, ...others] = await askBySocket(guest, text, 'after it');
        assert.deepEqual([handlingOf(answer), others], [handling, []], name);
      }
      await assertUsable(guest, watcher);
      await guest.client.close();
    }
    await watcher.client.close();
  });

  it('RL4, RL20: over HTTP, every case has its answer', async () => {
    const rooms = inGroups(casesOf(deleteOf(ROOM)), CASES_A_ROOM);
    for (const group of rooms.keys()) {
      const room = await createTestRoom();
      const guest = await enter(relay.url, room);
      const authorization = await bearer(room, { peerId: guest.peerId });
      const cases = inGroups(casesOf(deleteOf(room.roomId)), CASES_A_ROOM)[group] ?? [];
      for (const { name, text, handling } of cases) {
        const { message } = await postCall(relay.url, text, authorization);
        assert.deepEqual(handlingOf(message), handling, name);
      }
      await guest.client.close();
    }
  });

  it('RL12: a binary frame is not read, whatever is in it', async () => {
    const room = await createTestRoom();
    const [guest, watcher] = [await enter(relay.url, room), await enter(relay.url, room)];
    const leave = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'leave', params: { room_id: room.roomId } });
    guest.client.send(new TextEncoder().encode(leave));
    const answer = await guest.client.answer(null);
    assert.ok(answer.type === 'error' && answer.reason === 'invalid-request');
    await assertUsable(guest, watcher);
    await Promise.all([guest, watcher].map(({ client }) => client.close()));
  });

  it('bytes that are no UTF-8 are read as U+FFFD by the runtime, which no id, method or payload of ours has in it', async () => {
    const room = await createTestRoom();
    const peerId = randomPeerId();
    const client = await openRaw(relay.port, await offerFor(room, { peerId }));
    const bad: readonly (readonly number[])[] = [
      [0xc0, 0x80], // NUL, overlong
      [0xe0, 0x80, 0xaf], // a slash, overlong
      [0xed, 0xa0, 0x80], // half a surrogate pair
      [0xf4, 0x90, 0x80, 0x80], // beyond Unicode
      [0x80], // begins nothing
      [0xe2, 0x82], // is cut off
    ];
    const texts = (mark: string): readonly string[] => [
      `{"jsonrpc":"2.0","id":"${mark}","method":"delete_bundle","params":{"room_id":"${room.roomId}"}}`,
      `{"jsonrpc":"2.0","id":2,"method":"delete${mark}","params":{"room_id":"${room.roomId}"}}`,
      `{"jsonrpc":"2.0","id":3,"method":"delete_bundle","params":{"room_id":"${room.roomId}${mark}"}}`,
      `{"jsonrpc":"2.0","id":4,"method":"relay_message","params":{"room_id":"${room.roomId}","target_peer_id":"${peerId}","payload":"AQID${mark}"}}`,
    ];
    const answers = (): readonly string[] => client.texts.filter((text) => !text.includes('"method"'));
    for (const bytes of bad) {
      const before = answers().length;
      for (const text of texts('MARK')) {
        const [head = '', tail = ''] = text.split('MARK');
        sendFrames(client.socket, [
          { payload: Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)]) },
        ]);
      }
      await client.until('four answers', () => (answers().length >= before + 4 ? true : undefined));
      const [first, ...others] = answers()
        .slice(before)
        .map((text) => handlingOf(parseRelayText(text)));
      assert.ok(first?.type === 'result' && /^\ufffd+$/.test(String(first.id)));
      assert.deepEqual(others, [
        { type: 'error', id: 2, reason: 'method-not-found' },
        { type: 'error', id: 3, reason: 'invalid-params' },
        { type: 'error', id: 4, reason: 'invalid-params' },
      ]);
    }
    client.socket.destroy();
  });

  it('RFC 6455 §5.4: a text in fragments, cut in the middle of a letter, is one text', async () => {
    const room = await createTestRoom();
    const client = await openRaw(relay.port, await offerFor(room));
    const bytes = Buffer.from(
      `{"jsonrpc":"2.0","id":"é🔒","method":"delete_bundle","params":{"room_id":"${room.roomId}"}}`,
    );
    const cut = bytes.indexOf(0xa9);
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut, cut + 3), bytes.subarray(cut + 3)];
    sendFrames(
      client.socket,
      pieces.map((payload, index) => ({ payload, opcode: index === 0 ? 1 : 0, isFinal: index === 2 })),
    );
    const answer = await client.until('the answer', ({ texts }) => texts.find((text) => text.includes('"result"')));
    assert.deepEqual(JSON.parse(answer), { jsonrpc: '2.0', id: 'é🔒', result: {} });
    client.socket.destroy();
  });
});
