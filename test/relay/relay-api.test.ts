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
  PROBE_WAIT_MS,
  OUTSIDE_MESSAGES_BURST,
  OUTSIDE_MESSAGES_PER_S,
  RATE_ERRORS_BURST,
  RATE_ERRORS_PER_S,
  RING_AGE_MAX_MS,
  RING_BYTES_MAX,
  RING_MESSAGES_MAX,
  ROOM_ADMISSIONS_BURST,
  ROOM_ADMISSIONS_PER_S,
  ROOM_MESSAGES_BURST,
  ROOM_MESSAGES_PER_S,
  SEATS_MAX,
  SILENCE_MAX_MS,
  SILENCE_PROBE_MS,
  SOCKET_BYTES_BURST,
  SOCKET_BYTES_PER_S,
  SOCKET_MESSAGES_BURST,
  SOCKET_MESSAGES_PER_S,
  TEXT_CLOSE_BYTES,
  WAITING_MAX,
  WELCOME_BUNDLES_MAX,
} from '../../relay-worker/limits.ts';
import { CHALLENGE_LIFE_S, CHALLENGE_TRIES } from '../../relay-worker/turn-challenges.ts';
import { OUTSIDE_TEXT_MAX, OUTSIDE_TIMEOUT_MS } from '../../relay-worker/turn-fetch.ts';
import {
  TURN_ALL_BURST,
  TURN_ALL_PER_S,
  TURN_CHALLENGES_BURST,
  TURN_CHALLENGES_PER_S,
  TURN_CHECKS_BURST,
  TURN_CHECKS_PER_S,
  TURN_ROOM_BURST,
  TURN_ROOM_PER_S,
  TURN_WALLET_BURST,
  TURN_WALLET_EVERY_MS,
} from '../../relay-worker/turn-limits.ts';
import { MailBox } from '../../relay-worker/mailbox-box.ts';
import { MAIL_BOX_MAX_BYTES, MAIL_CALLS_BURST, MAIL_CALLS_PER_S } from '../../relay-worker/mailbox-limits.ts';
import { MailStore } from '../../relay-worker/mailbox-store.ts';
import {
  BUNDLE_HEAD_MAX_BYTES,
  ONE_TIME_BLOBS_MAX,
  ONE_TIME_BLOB_MAX_BYTES,
} from '../../src/engine/protocol/bundle.ts';
import { NOTE_TEXT_MAX } from '../../src/engine/protocol/host-messages.ts';
import { CLOSE_CODES, RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import { MAIL_BLOBS_MAX, MAIL_BLOB_SIZES_BYTES, MAIL_ROLES, parseMailText } from '../../src/engine/protocol/mailbox.ts';
import { PAYLOAD_TEXT_MAX, RELAY_TEXT_MAX, parseClientText, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { RelayMessage } from '../../src/engine/protocol/relay.ts';
import { RELAY_DOCUMENT, codeBlocks, namesIn, tableUnder, withWholeIds } from '../helpers/relay-document.ts';
import { MemorySql } from '../helpers/mail.ts';
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

describe('the examples of mailboxes', () => {
  it('are what a box answers', () => {
    const lines = codeBlocks('jsonc').flatMap((block) => block.trim().split('\n'));
    assert.ok(lines.length >= 12, `${lines.length} lines`);
    const box = new MailBox(new MailStore(new MemorySql()), 3600);
    for (let at = 0; at < lines.length; at += 2) {
      const [request = '', answer = ''] = lines.slice(at, at + 2);
      const parsed = parseMailText(request);
      assert.ok(parsed.type === 'request', request);
      const pass = { role: MAIL_ROLES[parsed.request.method], nonce: String(at), expS: 2_000_000_000 };
      assert.deepEqual(JSON.parse(box.call(pass, request, 1_999_999_999_000).text ?? ''), JSON.parse(answer));
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

  it('name every method of a mailbox with its role', () => {
    const rows = tableUnder('Mailboxes').map(([method = '', role]) => [namesIn(method)[0], role]);
    assert.deepEqual(Object.fromEntries(rows), MAIL_ROLES);
    const sizes = MAIL_BLOB_SIZES_BYTES.map((bytes) => bytes.toLocaleString('en'));
    assert.ok(RELAY_DOCUMENT.includes(`of ${sizes.slice(0, -1).join(', ')} or ${sizes.at(-1)} bytes`));
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
      'messages of those outside it': `${OUTSIDE_MESSAGES_PER_S} a second, ${OUTSIDE_MESSAGES_BURST} at once`,
      'admissions to a room': `${ROOM_ADMISSIONS_PER_S} a second, ${ROOM_ADMISSIONS_BURST} at once`,
      'silence of a socket': `${SILENCE_MAX_MS / 1000} s; asked after ${SILENCE_PROBE_MS / 1000} s, ended ${PROBE_WAIT_MS / 1000} s later`,
      'kept for who may come back, of the whole room': `${RING_MESSAGES_MAX} messages, ${RING_BYTES_MAX / KIB} KiB, ${RING_AGE_MAX_MS / 1000} s; ${SEATS_MAX} seats`,
      'who waits outside a room': `${WAITING_MAX}; a note of ${NOTE_TEXT_MAX} digits`,
      'a host’s statements in a room': `${HOST_STATEMENTS_PER_S} a second, ${HOST_STATEMENTS_BURST} at once`,
      'a bundle': `head of ${BUNDLE_HEAD_MAX_BYTES.toLocaleString('en')} bytes, ${ONE_TIME_BLOBS_MAX} one-time blobs of ${ONE_TIME_BLOB_MAX_BYTES.toLocaleString('en')} bytes`,
      'bundles in a `welcome`': `${WELCOME_BUNDLES_MAX}, within ${RELAY_TEXT_MAX / KIB} KiB`,
      'calls over HTTP to a room': `${HTTP_CALLS_PER_S} a second, ${HTTP_CALLS_BURST} at once`,
      'TURN credentials for tokens, a room': `${TURN_ROOM_PER_S} a second, ${TURN_ROOM_BURST} at once`,
      'TURN credentials, an instance of the Worker': `${TURN_ALL_PER_S} a second, ${TURN_ALL_BURST} at once`,
      'challenges for wallets, an instance of the Worker': `${TURN_CHALLENGES_PER_S} a second, ${TURN_CHALLENGES_BURST} at once`,
      'life of a challenge': `${CHALLENGE_LIFE_S} s, ${CHALLENGE_TRIES} bad signatures`,
      'TURN credentials, a wallet': `${TURN_WALLET_BURST} at once, one more each ${TURN_WALLET_EVERY_MS / 1000} s`,
      'signatures of wallets looked at, an instance of the Worker': `${TURN_CHECKS_PER_S} a second, ${TURN_CHECKS_BURST} at once`,
      'answers of other hosts': `${OUTSIDE_TIMEOUT_MS / 1000} s, ${OUTSIDE_TEXT_MAX / KIB} KiB`,
      'a mailbox': `${MAIL_BLOBS_MAX} blobs, ${MAIL_BOX_MAX_BYTES / KIB ** 2} MiB`,
      'calls to a mailbox': `${MAIL_CALLS_PER_S} a second, ${MAIL_CALLS_BURST} at once`,
      'faults on a socket': `${FAULTS_MAX}`,
    };
    for (const [what, limit] of Object.entries(expected)) {
      assert.ok(limits.get(what)?.startsWith(limit), `${what}: ${limits.get(what)} is not ${limit}`);
    }
    assert.ok(RELAY_DOCUMENT.includes(`1 to ${PAYLOAD_TEXT_MAX.toLocaleString('en')} digits`));
  });
});
