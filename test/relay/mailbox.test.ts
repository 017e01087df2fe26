/** MB1–MB9, LM21–LM23 on the runtime itself, its storage on a disk that the test looks into. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MAIL_CALLS_BURST } from '../../relay-worker/mailbox-limits.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import { MAILBOX_RPC_PATH, formatMailRequest, parseMailList } from '../../src/engine/protocol/mailbox.ts';
import type { MailRequest } from '../../src/engine/protocol/mailbox.ts';
import { MAIL_PASS_PREFIX } from '../../src/engine/protocol/mailbox-pass.ts';
import { RELAY_TEXT_MAX } from '../../src/engine/protocol/relay.ts';
import { blobOf, callMail, createTestBox, passFor, postMail } from '../helpers/mail.ts';
import type { MailResponse, TestBox } from '../helpers/mail.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';

const TTL_S = 2;
const DEADLINE_MS = 20_000;
const POLL_EVERY_MS = 50;
/** The object may be writing just then. */
const BUSY_MS = 5_000;
/** Idle for so long, an object is put out of memory. */
const EVICTED_AFTER_MS = 12_000;

const LIST: MailRequest = { method: 'mailbox_list', params: {} };
const FETCH: MailRequest = { method: 'mailbox_fetch_bundle', params: {} };
const DELETE: MailRequest = { method: 'mailbox_delete', params: {} };
const PUBLISH: MailRequest = { method: 'mailbox_publish_bundle', params: { head: 'c2VhbGVk', one_time: ['b25l'] } };

function put(byte: number, size = 0): MailRequest {
  return { method: 'mailbox_put', params: { blob: blobOf(byte, size) } };
}

function assertRefused({ status, message }: MailResponse, expected: number, reason: RpcErrorReason, id: unknown): void {
  assert.deepEqual(
    { status, message },
    { status: expected, message: { type: 'error', id, code: RPC_ERRORS[reason], reason } },
  );
}

function assertDone({ status, message }: MailResponse, result: unknown = {}): void {
  assert.deepEqual({ status, message }, { status: 200, message: { type: 'result', id: 1, result } });
}

async function listed(url: string, box: TestBox): Promise<readonly string[]> {
  const { message } = await callMail(url, box, 'take', LIST);
  const list = message?.type === 'result' ? parseMailList(message.result) : undefined;
  assert.ok(list, JSON.stringify(message));
  return list.blobs.map(({ blob }) => blob);
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS;
  while (!(await check())) {
    if (Date.now() > deadlineMs) throw new Error(`never happened: ${what}`);
    await delay(POLL_EVERY_MS);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Everything that the platform keeps of objects. A database that is wiped is deleted and made anew: it may be gone between list and file. */
async function kept(relay: RelayProcess): Promise<{ readonly path: string; readonly bytes: Buffer }[]> {
  const entries = await readdir(relay.stateDirectory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(path).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      return bytes && { path, bytes };
    }),
  );
  return files.filter((file) => file !== undefined);
}

/** `undefined` where it has been wiped meanwhile. */
function databaseAt(path: string): DatabaseSync | undefined {
  try {
    return new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  } catch (error) {
    if (existsSync(path)) throw error;
    return undefined;
  }
}

/** The rows of our own in all boxes together. */
async function rowsIn(relay: RelayProcess): Promise<number> {
  let rows = 0;
  for (const { path } of await kept(relay)) {
    if (!/mailboxes\/[0-9a-f]{64}\.sqlite$/.test(path)) continue;
    const database = databaseAt(path);
    if (!database) continue;
    try {
      const tables = database.prepare(`SELECT name FROM sqlite_master WHERE name = 'rows'`).all();
      if (tables.length > 0) rows += Number(database.prepare('SELECT COUNT(*) AS n FROM rows').get()?.['n']);
      else rows += 0;
    } finally {
      database.close();
    }
  }
  return rows;
}

describe('mailboxes that are on', () => {
  let relay: RelayProcess;

  before(async () => {
    relay = await startRelayProcess({ runtime: 'workerd', isStored: true, vars: { MAILBOX: 'on' } });
  });

  after(async () => {
    await relay.stop();
  });

  it('MB6: keep what is put until its owner says it has arrived, through eviction and restart', async () => {
    const box = await createTestBox();
    for (const byte of [1, 2]) assertDone(await callMail(relay.url, box, 'put', put(byte, byte)));
    assertDone(await callMail(relay.url, box, 'take', PUBLISH));
    assert.deepEqual(await listed(relay.url, box), [blobOf(1, 1), blobOf(2, 2)]);
    await relay.kill();
    await relay.restart();
    assert.deepEqual(await listed(relay.url, box), [blobOf(1, 1), blobOf(2, 2)]);
    // Idleness is what is tested.
    await delay(EVICTED_AFTER_MS);
    const { message } = await callMail(relay.url, box, 'take', LIST);
    const list = message?.type === 'result' ? parseMailList(message.result) : undefined;
    const ids = list?.blobs.map(({ id }) => id) ?? [];
    assert.equal(ids.length, 2);
    assertDone(await callMail(relay.url, box, 'put', FETCH), { head: 'c2VhbGVk', one_time: 'b25l' });
    assertDone(await callMail(relay.url, box, 'put', FETCH), { head: 'c2VhbGVk' });
    assertDone(await callMail(relay.url, box, 'take', { method: 'mailbox_ack', params: { ids } }));
    assert.deepEqual(await listed(relay.url, box), []);
  });

  it('MB5: take each pass once, for the body it was made for, also after a restart', async () => {
    const box = await createTestBox();
    const body = formatMailRequest(put(7), 1);
    const pass = await passFor(box, 'put', body);
    assertDone(await postMail(relay.url, body, pass));
    await relay.kill();
    await relay.restart();
    assertDone(await postMail(relay.url, body, pass));
    assert.deepEqual(await listed(relay.url, box), [blobOf(7)]);
    assertRefused(await postMail(relay.url, formatMailRequest(put(8), 1), pass), 401, 'token-invalid', null);
    assertRefused(await postMail(relay.url, `${body} `, pass), 401, 'token-invalid', null);

    const deleting = formatMailRequest(DELETE, 1);
    const deletion = await passFor(box, 'take', deleting);
    assertDone(await postMail(relay.url, deleting, deletion));
    assertDone(await callMail(relay.url, box, 'put', put(9)));
    assertDone(await postMail(relay.url, deleting, deletion));
    assertDone(await postMail(relay.url, body, pass));
    assert.deepEqual(await listed(relay.url, box), [blobOf(9)]);
  });

  it('MB2, MB3: are opened by their own keys alone, each for its own work', async () => {
    const [box, other] = [await createTestBox(), await createTestBox()];
    assertDone(await callMail(relay.url, box, 'put', put(1)));
    const body = formatMailRequest(LIST, 1);
    const forged = [
      undefined,
      '',
      'x',
      await passFor(box, 'take', body, { key: other.takeKey }),
      await passFor(box, 'take', body, { key: box.putKey }),
      await passFor(box, 'take', body, { expS: Math.floor(Date.now() / 1000) + 1000 }),
      (await passFor(box, 'take', body)).slice(0, -4),
      (await passFor(box, 'take', body)).replace(MAIL_PASS_PREFIX, 'tai.token.'),
      // small order: a verifier that takes it would take any message (RFC 8032 §5.1.7)
      await passFor({ ...box, pkTake: Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0)) }, 'take', body),
    ];
    for (const pass of forged) assertRefused(await postMail(relay.url, body, pass), 401, 'token-invalid', null);
    assertRefused(await callMail(relay.url, box, 'put', LIST), 403, 'mailbox-forbidden', 1);
    assertRefused(await callMail(relay.url, box, 'put', DELETE), 403, 'mailbox-forbidden', 1);
    assertRefused(await callMail(relay.url, box, 'take', put(1)), 403, 'mailbox-forbidden', 1);
    // One key of the one and one of the other are a third box, which is empty: nothing tells that from one that never was.
    for (const mixed of [
      { ...box, pkPut: other.pkPut },
      { ...other, pkPut: box.pkPut },
    ]) {
      assert.deepEqual(await listed(relay.url, mixed), []);
    }
    assert.deepEqual(await listed(relay.url, box), [blobOf(1)]);
  });

  it('MB3, AD5: tell their clock to a pass whose time is wrong', async () => {
    const box = await createTestBox();
    const body = formatMailRequest(LIST, 1);
    const nowS = Math.floor(Date.now() / 1000);
    for (const iatS of [nowS - 3600, nowS + 3600]) {
      const response = await postMail(relay.url, body, await passFor(box, 'take', body, { iatS }));
      assertRefused(response, 401, 'token-expired', null);
      const { data } = (JSON.parse(response.text) as { error: { data: { now: number } } }).error;
      assert.ok(Math.abs(data.now - nowS) <= 5);
    }
  });

  it('MB1: are asked by POST with one call of at most 64 KiB, from any page, without cookies', async () => {
    const box = await createTestBox();
    const long = formatMailRequest(LIST, 1).padEnd(RELAY_TEXT_MAX + 1);
    assertRefused(await postMail(relay.url, long, await passFor(box, 'take', long)), 413, 'too-large', null);
    for (const [text, reason] of [
      ['{', 'parse-error'],
      ['[]', 'invalid-request'],
      ['{"jsonrpc":"2.0","id":1,"method":"mailbox_encrypt","params":{}}', 'method-not-found'],
      ['{"jsonrpc":"2.0","id":1,"method":"mailbox_ack","params":{"ids":1}}', 'invalid-params'],
    ] as const) {
      const { status, message } = await postMail(relay.url, text, await passFor(box, 'take', text));
      assert.deepEqual([status, message?.type === 'error' && message.reason], [400, reason]);
    }
    const bytes = Uint8Array.of(0x7b, 0xff, 0x7d);
    assertRefused(await postMail(relay.url, bytes, await passFor(box, 'take', '{}')), 400, 'parse-error', null);
    const silent = formatMailRequest(LIST);
    assert.equal((await postMail(relay.url, silent, await passFor(box, 'take', silent))).status, 204);
    const get = await fetch(`${relay.url}${MAILBOX_RPC_PATH}`);
    assert.deepEqual([get.status, get.headers.get('Allow')], [405, 'POST, OPTIONS']);
    const preflight = await fetch(`${relay.url}${MAILBOX_RPC_PATH}`, { method: 'OPTIONS' });
    for (const { headers } of [get, preflight]) {
      assert.equal(headers.get('Access-Control-Allow-Origin'), '*');
      assert.equal(headers.get('Set-Cookie'), null);
    }
  });

  it('LM22: refuse a flood, and answer the owner all the while', async () => {
    const box = await createTestBox();
    const seen = new Set<number>();
    for (let calls = 0; calls < 4 * MAIL_CALLS_BURST; calls++) {
      const { status, headers } = await callMail(relay.url, box, 'put', FETCH);
      seen.add(status);
      if (status === 429) assert.equal(headers.get('Retry-After'), '1');
      if (status === 429) break;
    }
    assert.ok(seen.has(429), [...seen].join());
    assert.deepEqual(await listed(relay.url, box), []);
  });

  it('MB2: leave no key, no address and no name of theirs on the disk or in the output', async () => {
    const box = await createTestBox();
    assertDone(await callMail(relay.url, box, 'put', put(0x5a, 1)));
    const files = await kept(relay);
    const isIn = (bytes: Uint8Array): boolean => files.some((file) => file.bytes.includes(bytes));
    assert.ok(isIn(new Uint8Array(2_000).fill(0x5a)), 'the blob is not where the test looks');
    const address = Buffer.concat([Buffer.from('tai/1 mailbox'), box.pkPut, box.pkTake]);
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', address));
    for (const secret of [box.pkPut, box.pkTake, hash]) {
      const text = toBase64Url(secret);
      assert.ok(!isIn(secret) && !isIn(Buffer.from(text)) && !isIn(Buffer.from(Buffer.from(secret).toString('hex'))));
      assert.ok(!relay.output().includes(text) && !relay.output().includes(Buffer.from(secret).toString('hex')));
    }
    assert.doesNotMatch(relay.output(), /mailbox|127\.0\.0\.1.*POST/i);
  });
});

describe('MB7, MB8: mailboxes whose time is short', () => {
  it('are wiped by their alarm, rows and table, with nobody asking', async () => {
    const vars = { MAILBOX: 'on', MAILBOX_TTL_S: String(TTL_S) };
    const relay = await startRelayProcess({ runtime: 'workerd', isStored: true, vars });
    try {
      const box = await createTestBox();
      const nowS = Math.floor(Date.now() / 1000);
      const body = formatMailRequest(put(0x3c, 1), 1);
      assertDone(await postMail(relay.url, body, await passFor(box, 'put', body, { expS: nowS + TTL_S })));
      const longer = formatMailRequest(put(0x3d), 1);
      const pass = await passFor(box, 'put', longer, { expS: nowS + 2 * TTL_S });
      assertDone(await postMail(relay.url, longer, pass));
      assert.deepEqual(await listed(relay.url, box), [blobOf(0x3c, 1), blobOf(0x3d)]);
      assert.equal(await rowsIn(relay), 3, 'MB5: a pass that outlives its blob is kept without it');
      await until('the rows are gone', async () => (await rowsIn(relay)) === 0);
      assert.deepEqual(await listed(relay.url, box), []);
      const left = (await kept(relay)).filter(({ bytes }) => bytes.includes(new Uint8Array(2_000).fill(0x3c)));
      assert.deepEqual(
        left.map(({ path }) => path),
        [],
      );
      // Gone with its table, so that no trace is left that there was a box; and it can be used anew.
      const objects = (await kept(relay)).filter(({ path }) => /mailboxes\/[0-9a-f]{64}\.sqlite$/.test(path));
      for (const { path } of objects) assert.deepEqual(tablesOf(path), [], path);
      assertDone(await callMail(relay.url, box, 'put', put(0x3e)));
      assert.deepEqual(await listed(relay.url, box), [blobOf(0x3e)]);
    } finally {
      await relay.stop();
    }
  });
});

describe('MB9: mailboxes that are off', () => {
  it('are answered so, and no object and no file comes to be', async () => {
    const relay = await startRelayProcess({ runtime: 'workerd', isStored: true });
    try {
      const box = await createTestBox();
      for (const request of [put(1), PUBLISH, FETCH, LIST, DELETE]) {
        for (const role of ['put', 'take'] as const) {
          assertRefused(await callMail(relay.url, box, role, request), 404, 'mailbox-off', null);
        }
      }
      // The runtime's own books of each class are there from the start.
      const paths = (await kept(relay)).map(({ path }) => path);
      assert.deepEqual(
        paths.filter((path) => !/\/metadata\.sqlite(-shm|-wal)?$/.test(path)),
        [],
      );
    } finally {
      await relay.stop();
    }
  });
});

/** Tables of our own, and of the platform's that hold something of ours. */
function tablesOf(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  try {
    return database
      .prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`)
      .all()
      .map(({ name }) => name);
  } finally {
    database.close();
  }
}
