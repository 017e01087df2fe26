/** What docs/operate.md says of costs: counted in a simulated hour of real sessions, and computed from its own table of prices. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MailBox } from '../../relay-worker/mailbox-box.ts';
import { MailStore } from '../../relay-worker/mailbox-store.ts';
import { formatMailRequest } from '../../src/engine/protocol/mailbox.ts';
import { MAIL_PASS_SPAN_MS } from '../../src/engine/protocol/mailbox-pass.ts';
import { MemorySql, blobOf } from '../helpers/mail.ts';
import { simulateHour } from './simulated-hour.ts';

const DOCUMENT = readFileSync(fileURLToPath(new URL('../../docs/operate.md', import.meta.url)), 'utf8');
const ROOM_HOURS = 1_000;
const MESSAGE_S = 0.001;
const WAKING_S = 0.02;
const TOKEN_CPU_MS = 1;
/** A figure that is more than so much above what was counted is out of date. */
const SHARE_MIN = 0.5;

/** The rows of the table whose head begins so. */
function table(head: string): readonly (readonly string[])[] {
  const start = DOCUMENT.indexOf(`\n| ${head} |`);
  assert.ok(start >= 0, `no table “${head}”`);
  const lines = DOCUMENT.slice(start + 1).split('\n');
  const rows = lines.slice(
    2,
    lines.findIndex((line) => !line.startsWith('|')),
  );
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function numberIn(cell: string | undefined): number {
  const found = /[\d,]+(\.\d+)?/.exec(cell ?? '')?.[0];
  assert.ok(found, `no number in “${cell}”`);
  return Number(found.replaceAll(',', ''));
}

const prices = new Map(table('price of').map(([what = '', , then]) => [what, numberIn(then)]));
function price(what: string): number {
  const found = prices.get(what);
  assert.ok(found !== undefined, what);
  return found;
}

type Claim = {
  readonly name: string;
  readonly sockets: number;
  readonly messages: number;
  readonly ofEach: number;
  readonly wakings: number;
  readonly awakeS: number;
};

const claims: readonly Claim[] = table('a room for one hour').map(
  ([name = '', sockets, messages, ofEach, wakings, awake]) => ({
    name,
    sockets: numberIn(sockets),
    messages: numberIn(messages),
    ofEach: numberIn(ofEach),
    wakings: numberIn(wakings),
    awakeS: numberIn(awake),
  }),
);

/** Of 1,000 room-hours, beyond what is included. `activeS`: billed seconds of one room-hour. */
function costOf({ sockets, messages }: Claim, activeS: number) {
  const worker = ROOM_HOURS * sockets;
  const objects = ROOM_HOURS * (sockets + messages / price('messages on sockets for one such request'));
  const gbS = ROOM_HOURS * activeS * price('GB of memory that an object is billed for');
  const dollars =
    (worker * price('a million requests to the Worker') +
      worker * TOKEN_CPU_MS * price('a million ms of CPU') +
      objects * price('a million requests to objects') +
      gbS * price('a million GB-s of objects that run')) /
    1e6;
  return { worker, objects, gbS, dollars };
}

describe('a simulated hour', () => {
  for (const claim of claims) {
    it(`costs the relay what the document says: ${claim.name}`, async (t) => {
      const people = numberIn(claim.name);
      const counted = await simulateHour(people, !claim.name.includes('by relay'));
      t.diagnostic(JSON.stringify(counted));
      assert.equal(counted.connections, claim.sockets);
      assert.equal(claim.ofEach, claim.messages / people);
      for (const [what, is, said] of [
        ['messages', counted.messages, claim.messages],
        ['wakings', counted.wakeUps, claim.wakings],
        ['awake', counted.awakeS, claim.awakeS],
      ] as const) {
        assert.ok(is <= said && is >= SHARE_MIN * said, `${what}: ${is} counted, the document says ${said}`);
      }
    });
  }
});

describe('the costs', () => {
  it('follow from what was counted and from the prices', () => {
    assert.ok(
      DOCUMENT.includes(
        `${MESSAGE_S * 1000} ms for each message, ${WAKING_S * 1000} ms for each\nwaking, ${TOKEN_CPU_MS} ms of CPU`,
      ),
    );
    const included = Number(/about ([\d,]+) hours of four people/.exec(DOCUMENT)?.[1]?.replaceAll(',', ''));
    const four = claims.find(({ name }) => name === '4 people');
    assert.ok(four);
    // requests to objects are used up first
    const hours = 1e6 / (costOf(four, 0).objects / ROOM_HOURS);
    assert.ok(Math.abs(included - hours) / hours < 0.05, `${hours}`);
    const rows = table('1,000 hours of');
    const usd = (dollars: number): string => `$${dollars.toFixed(3)}`;
    const whole = (value: number): string => Math.round(value).toLocaleString('en');
    const expected = claims.map((claim) => {
      const likely = costOf(claim, claim.messages * MESSAGE_S + claim.wakings * WAKING_S);
      const most = costOf(claim, claim.awakeS);
      return [
        claim.name,
        whole(likely.worker),
        whole(likely.objects),
        whole(likely.gbS),
        usd(likely.dollars),
        usd(most.dollars),
      ];
    });
    assert.deepEqual(rows, expected);
  });

  it('of a mailbox are what its rows are', () => {
    const sql = new MemorySql();
    const box = new MailBox(new MailStore(sql), 60_000);
    const nowMs = 1_800_000_000_000;
    const nonce = 'AAAAAAAAAAAAAAAAAAAAAA';
    const pass = { nonce, expS: nowMs / 1000 + 60 };
    const ask = (role: 'put' | 'take', text: string): void => {
      assert.equal(box.call({ role, ...pass }, text, nowMs).reason, undefined);
    };
    ask('put', formatMailRequest({ method: 'mailbox_put', params: { blob: blobOf(1) } }, 1));
    ask('take', formatMailRequest({ method: 'mailbox_list', params: {} }, 1));
    ask('take', formatMailRequest({ method: 'mailbox_ack', params: { ids: [nonce] } }, 1));
    assert.equal(box.sweep(nowMs + MAIL_PASS_SPAN_MS), undefined);
    // One alarm when it comes, and one, nearer, when it has arrived; each is a row.
    const rows = Number(sql.exec('SELECT total_changes() AS rows').toArray()[0]?.['rows']) + 2;
    const requests = 3;
    const alarms = 1;
    const dollars =
      1_000 *
      ((rows * price('a million rows written') +
        requests * (price('a million requests to the Worker') + price('a million requests to objects')) +
        alarms * price('a million requests to objects')) /
        1e6);
    const sentence = `${rows} rows, ${requests} requests and one alarm: $${dollars.toFixed(4)} for 1,000 messages`;
    assert.ok(DOCUMENT.includes(sentence), sentence);
  });
});
