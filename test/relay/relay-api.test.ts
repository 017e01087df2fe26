/** docs/relay-api.md says what the code does: its examples are run, its tables compared. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BUFFERED_DROP_BYTES,
  FAULTS_MAX,
  HOST_STATEMENTS_BURST,
  HOST_STATEMENTS_PER_S,
  HTTP_CALLS_BURST,
  HTTP_CALLS_PER_S,
  PEERS_CEILING,
  PEERS_DEFAULT,
  RATE_ERRORS_BURST,
  RATE_ERRORS_PER_S,
  ROOM_ADMISSIONS_BURST,
  ROOM_ADMISSIONS_PER_S,
  ROOM_MESSAGES_BURST,
  ROOM_MESSAGES_PER_S,
  SILENCE_MAX_MS,
  SOCKET_BYTES_BURST,
  SOCKET_BYTES_PER_S,
  SOCKET_MESSAGES_BURST,
  SOCKET_MESSAGES_PER_S,
  TEXT_CLOSE_BYTES,
  WAITING_MAX,
  WELCOME_BUNDLES_MAX,
} from '../../relay-worker/limits.ts';
import {
  BUNDLE_HEAD_MAX_BYTES,
  ONE_TIME_BLOBS_MAX,
  ONE_TIME_BLOB_MAX_BYTES,
} from '../../src/engine/protocol/bundle.ts';
import { NOTE_TEXT_MAX } from '../../src/engine/protocol/host-messages.ts';
import { CLOSE_CODES, RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import { PAYLOAD_TEXT_MAX, RELAY_TEXT_MAX, parseClientText, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { RelayMessage } from '../../src/engine/protocol/relay.ts';
import { RELAY_DOCUMENT, codeBlocks, namesIn, tableUnder, withWholeIds } from '../helpers/relay-document.ts';
import { ALICE, BOB, CAROL, NOTIFICATIONS, REQUESTS } from '../helpers/samples.ts';
import { Stage } from './room-stage.ts';

const KIB = 1024;

function requestsIn(lines: readonly string[], method: string): string[] {
  return lines.filter((line) => line.includes(`"id"`) && line.includes(`"method":"${method}"`));
}

describe('the examples', () => {
  const blocks = codeBlocks('json').map((block) => block.trim().split('\n').map(withWholeIds));

  it('are all there is to be read: requests, answers, notifications', () => {
    const lines = blocks.flat();
    assert.ok(lines.length >= 12, `${lines.length} lines`);
    for (const line of lines) {
      const isRequest = parseClientText(line).type === 'request';
      assert.notEqual(isRequest, parseRelayText(line) !== undefined, line);
    }
  });

  it('are what a room answers to Alice, and tells the others', async () => {
    const stage = new Stage();
    const sockets = stage.gather(ALICE, BOB, CAROL);
    const [alice, bob] = sockets;
    const [publication] = requestsIn(blocks.flat(), 'publish_bundle');
    assert.ok(alice && bob && publication);
    await stage.receive(bob, publication);
    for (const socket of sockets) socket.take();

    for (const lines of blocks) {
      const said: RelayMessage[] = [];
      for (const line of lines) {
        if (parseClientText(line).type === 'request') {
          await stage.receive(alice, line);
          said.push(...sockets.flatMap((socket) => socket.take()));
          continue;
        }
        const expected = parseRelayText(line);
        const at = said.findIndex((message) => isSame(message, expected));
        assert.ok(at >= 0, `${line}\nis not among\n${JSON.stringify(said, undefined, 1)}`);
        said.splice(at, 1);
      }
      assert.deepEqual(
        said.filter((message) => message.type !== 'notification'),
        [],
      );
    }
  });
});

function isSame(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

describe('the tables', () => {
  it('name every method with its parameters', () => {
    const rows = tableUnder('Requests (client → relay)');
    const methods = rows.map(([method = '']) => namesIn(method)[0]);
    assert.deepEqual(
      methods,
      REQUESTS.map(({ method }) => method),
    );
    for (const [index, { params }] of REQUESTS.entries()) {
      assert.deepEqual(namesIn(rows[index]?.[1] ?? '').toSorted(), Object.keys(params).toSorted());
    }
  });

  it('name every notification with its parameters', () => {
    const rows = tableUnder('Notifications (relay → client)');
    const named = new Map(rows.map(([method = '', params = '']) => [namesIn(method)[0], params]));
    assert.deepEqual([...named.keys()].toSorted(), NOTIFICATIONS.map(({ method }) => method).toSorted());
    for (const { method, params } of NOTIFICATIONS) {
      const words = new Set((named.get(method) ?? '').match(/[a-z_]+/g));
      for (const name of Object.keys(params)) assert.ok(words.has(name), `${method}.${name}`);
    }
  });

  it('name every error with its code', () => {
    const rows = tableUnder('Errors').map(([code = '', reason = '']) => [
      namesIn(reason)[0],
      Number(code.replace('−', '-')),
    ]);
    assert.deepEqual(Object.fromEntries(rows), RPC_ERRORS);
  });

  it('name every close code', () => {
    const rows = tableUnder('How sockets end').map(([code = '', reason = '']) => [
      /[a-z-]+/.exec(reason)?.[0],
      Number(code),
    ]);
    const ours = rows.filter(([, code]) => code === 1000 || Number(code) >= 4000);
    assert.deepEqual(Object.fromEntries(ours), CLOSE_CODES);
  });

  it('name every limit as it is', () => {
    const limits = new Map(tableUnder('Limits').map(([what = '', limit = '']) => [what, limit]));
    const expected: Readonly<Record<string, string>> = {
      'a text': `${RELAY_TEXT_MAX / KIB} KiB; above ${TEXT_CLOSE_BYTES / KIB ** 2} MiB`,
      'messages of a socket': `${SOCKET_MESSAGES_PER_S} a second, ${SOCKET_MESSAGES_BURST} at once`,
      'bytes of a socket': `${SOCKET_BYTES_PER_S / KIB} KiB a second, ${SOCKET_BYTES_BURST / KIB ** 2} MiB at once`,
      'messages in a room': `${ROOM_MESSAGES_PER_S} a second, ${ROOM_MESSAGES_BURST} at once`,
      '`rate-limited` errors told': `${RATE_ERRORS_PER_S} a second, ${RATE_ERRORS_BURST} at once`,
      'waiting for a peer that does not read': `${BUFFERED_DROP_BYTES / KIB} KiB`,
      'peers in a room': `\`MAX_PEERS\`: ${PEERS_DEFAULT} unless set, at most ${PEERS_CEILING}`,
      'admissions to a room': `${ROOM_ADMISSIONS_PER_S} a second, ${ROOM_ADMISSIONS_BURST} at once`,
      'silence of a socket': `${SILENCE_MAX_MS / 1000} s`,
      'who waits outside a room': `${WAITING_MAX}; a note of ${NOTE_TEXT_MAX} digits`,
      'a host’s statements in a room': `${HOST_STATEMENTS_PER_S} a second, ${HOST_STATEMENTS_BURST} at once`,
      'a bundle': `head of ${BUNDLE_HEAD_MAX_BYTES.toLocaleString('en')} bytes, ${ONE_TIME_BLOBS_MAX} one-time blobs of ${ONE_TIME_BLOB_MAX_BYTES.toLocaleString('en')} bytes`,
      'bundles in a `welcome`': `${WELCOME_BUNDLES_MAX}, within ${RELAY_TEXT_MAX / KIB} KiB`,
      'calls over HTTP to a room': `${HTTP_CALLS_PER_S} a second, ${HTTP_CALLS_BURST} at once`,
      'faults on a socket': `${FAULTS_MAX}`,
    };
    for (const [what, limit] of Object.entries(expected)) {
      assert.ok(limits.get(what)?.startsWith(limit), `${what}: ${limits.get(what)} is not ${limit}`);
    }
    assert.ok(RELAY_DOCUMENT.includes(`1 to ${PAYLOAD_TEXT_MAX.toLocaleString('en')} digits`));
  });
});
