/** MB4–MB8, LM21–LM23: a mailbox on rows in memory, its clock in the test's hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MailBox } from '../../relay-worker/mailbox-box.ts';
import type { CheckedPass } from '../../relay-worker/mailbox-box.ts';
import {
  MAIL_BOX_MAX_BYTES,
  MAIL_CALLS_BURST,
  MAIL_CALLS_PER_S,
  isMailboxOn,
  parseMailTtl,
} from '../../relay-worker/mailbox-limits.ts';
import { MailStore } from '../../relay-worker/mailbox-store.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { RPC_ERRORS } from '../../src/engine/protocol/errors.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import {
  MAIL_BLOBS_MAX,
  MAIL_BLOB_MAX_BYTES,
  MAIL_ROLES,
  MAIL_TTL_MAX_S,
  formatMailRequest,
  parseMailList,
} from '../../src/engine/protocol/mailbox.ts';
import type { MailList, MailRequest } from '../../src/engine/protocol/mailbox.ts';
import { MAIL_PASS_SPAN_MS } from '../../src/engine/protocol/mailbox-pass.ts';
import { RELAY_TEXT_MAX, parseRelayText } from '../../src/engine/protocol/relay.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { MemorySql, blobOf } from '../helpers/mail.ts';
import { Random } from '../helpers/random.ts';

const NOW_MS = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const FUZZ_SEED = 31;
const FUZZ_CALLS = 3_000;

/** A box that is put out of memory and read back, as an idle object is, whenever the test says so. */
class Stage {
  nowMs = NOW_MS;
  readonly sql = new MemorySql();
  readonly ttlS: number;
  box: MailBox;
  #nonces = 0;

  constructor(ttlS = MAIL_TTL_MAX_S) {
    this.ttlS = ttlS;
    this.box = this.#wake();
  }

  evict(): void {
    this.box = this.#wake();
  }

  nonce(): string {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(0, ++this.#nonces);
    return toBase64Url(bytes);
  }

  /** What the answer says, with a pass of the right role and a new nonce unless others are given. */
  ask(request: MailRequest, instead: Partial<CheckedPass> = {}): unknown {
    const pass = { role: MAIL_ROLES[request.method], nonce: this.nonce(), expS: this.nowMs / 1000 + 60, ...instead };
    const { text = '', reason } = this.box.call(pass, formatMailRequest(request, 1), this.nowMs);
    const message = parseRelayText(text);
    assert.ok(message && message.type !== 'notification' && text.length <= RELAY_TEXT_MAX, text);
    assert.equal(reason, message.type === 'error' ? message.reason : undefined);
    return message.type === 'error' ? message.reason : message.result;
  }

  put(blob: string, ttl_s?: number, nonce?: string): unknown {
    const params = { blob, ...(ttl_s !== undefined && { ttl_s }) };
    return this.ask({ method: 'mailbox_put', params }, nonce === undefined ? {} : { nonce });
  }

  list(after?: string): MailList {
    const list = parseMailList(this.ask({ method: 'mailbox_list', params: after === undefined ? {} : { after } }));
    assert.ok(list);
    return list;
  }

  blobs(): readonly string[] {
    return this.list().blobs.map(({ blob }) => blob);
  }

  pass(seconds: number): void {
    this.nowMs += seconds * 1000;
  }

  #wake(): MailBox {
    return new MailBox(new MailStore(this.sql), this.ttlS);
  }
}

const PUBLISH: MailRequest = { method: 'mailbox_publish_bundle', params: { head: 'AQID', one_time: ['AQ', 'Ag'] } };
const FETCH: MailRequest = { method: 'mailbox_fetch_bundle', params: {} };
const DELETE: MailRequest = { method: 'mailbox_delete', params: {} };

describe('what is put into a box', () => {
  it('MB6: lies there in its order, through every sleep, until it is acknowledged', () => {
    const stage = new Stage();
    for (const byte of [3, 1, 2]) assert.deepEqual(stage.put(blobOf(byte)), {});
    stage.evict();
    assert.deepEqual(stage.blobs(), [blobOf(3), blobOf(1), blobOf(2)]);
    assert.deepEqual(stage.blobs(), [blobOf(3), blobOf(1), blobOf(2)], 'reading takes nothing away');
    const [, first] = stage.list().blobs;
    assert.ok(first);
    assert.deepEqual(stage.ask({ method: 'mailbox_ack', params: { ids: [first.id] } }), {});
    assert.deepEqual(stage.ask({ method: 'mailbox_ack', params: { ids: [first.id, stage.nonce()] } }), {});
    stage.evict();
    assert.deepEqual(stage.blobs(), [blobOf(3), blobOf(2)]);
  });

  it('MB5: put again under the same pass is the same, before and after it was acknowledged', () => {
    const stage = new Stage();
    const nonce = stage.nonce();
    for (let times = 0; times < 3; times++) assert.deepEqual(stage.put(blobOf(1), undefined, nonce), {});
    assert.equal(stage.blobs().length, 1);
    stage.ask({ method: 'mailbox_ack', params: { ids: [nonce] } });
    stage.evict();
    assert.deepEqual(stage.put(blobOf(1), undefined, nonce), {});
    assert.deepEqual(stage.blobs(), []);
    // as long as any pass that was good then can be shown
    stage.pass(MAIL_PASS_SPAN_MS / 1000 - 1);
    stage.put(blobOf(1), undefined, nonce);
    assert.deepEqual(stage.blobs(), []);
  });

  it('MB5: attack: what ends before its pass does is not put a second time by it', () => {
    const stage = new Stage();
    const nonce = stage.nonce();
    assert.deepEqual(stage.put(blobOf(1), 1, nonce), {});
    stage.pass(1);
    stage.box.sweep(stage.nowMs);
    stage.evict();
    const again = { role: 'put', nonce, expS: NOW_MS / 1000 + 60 } as const;
    const put: MailRequest = { method: 'mailbox_put', params: { blob: blobOf(1) } };
    assert.deepEqual(stage.ask(put, again), {});
    assert.deepEqual(stage.blobs(), []);
    assert.equal(stage.box.sweep(stage.nowMs), NOW_MS + 60_000, 'remembered as long as the pass can be shown');
    stage.pass(59);
    assert.equal(stage.box.sweep(stage.nowMs), undefined, 'and no longer');
  });

  it('MB5: what is acknowledged before it ends is remembered as long, and no blob is counted twice', () => {
    const stage = new Stage();
    const nonce = stage.nonce();
    stage.put(blobOf(1), 1, nonce);
    assert.equal(stage.blobs().length, 1);
    stage.ask({ method: 'mailbox_ack', params: { ids: [nonce] } });
    stage.pass(59);
    stage.ask({ method: 'mailbox_put', params: { blob: blobOf(1) } }, { nonce, expS: NOW_MS / 1000 + 60 });
    assert.deepEqual(stage.blobs(), []);
    stage.pass(MAIL_PASS_SPAN_MS / 1000);
    assert.equal(stage.box.sweep(stage.nowMs), undefined);
  });

  it('MB6: is listed in parts that fit into one text, and each part says whether there is more', () => {
    const stage = new Stage();
    const put = Array.from({ length: 9 }, (_, byte) => blobOf(byte, byte % 4));
    for (const blob of put) assert.deepEqual(stage.put(blob), {});
    const got: string[] = [];
    let after: string | undefined;
    for (let lists = 0; lists < 20; lists++) {
      const list = stage.list(after);
      got.push(...list.blobs.map(({ blob }) => blob));
      after = list.blobs.at(-1)?.id;
      if (!list.has_more) break;
    }
    assert.deepEqual(got, put);
    assert.deepEqual(stage.list(stage.nonce()).blobs[0]?.blob, put[0], 'after what is gone: from the first on');
  });

  it('LM21: is at most 128 blobs and 1 MiB, and nothing that lies there gives way', () => {
    const many = new Stage();
    for (let i = 0; i < MAIL_BLOBS_MAX; i++) {
      assert.deepEqual(many.put(blobOf(i)), {});
      many.pass(1);
    }
    assert.equal(many.put(blobOf(1)), 'mailbox-full');
    const first = many.list().blobs[0];
    assert.equal(first?.blob, blobOf(0));
    many.ask({ method: 'mailbox_ack', params: { ids: [first.id] } });
    assert.deepEqual(many.put(blobOf(1)), {});

    const big = new Stage();
    const fits = Math.floor(MAIL_BOX_MAX_BYTES / MAIL_BLOB_MAX_BYTES);
    for (let i = 0; i < fits; i++) {
      assert.deepEqual(big.put(blobOf(i, 3)), {});
      big.pass(1);
    }
    assert.equal(big.put(blobOf(1, 3)), 'mailbox-full');
    assert.deepEqual(big.put(blobOf(1, 2)), {}, 'a smaller one still fits');
  });

  it('LM21: refused is not spent: the same pass is good once there is room', () => {
    const stage = new Stage();
    for (let i = 0; i < MAIL_BLOBS_MAX; i++) {
      stage.put(blobOf(i));
      stage.pass(1);
    }
    const nonce = stage.nonce();
    assert.equal(stage.put(blobOf(9), undefined, nonce), 'mailbox-full');
    stage.ask({ method: 'mailbox_ack', params: { ids: stage.list().blobs.map(({ id }) => id) } });
    assert.deepEqual(stage.put(blobOf(9), undefined, nonce), {});
    assert.equal(stage.blobs().at(-1), blobOf(9));
  });
});

describe('MB7: time', () => {
  it('ends everything after a day, or sooner where that was asked for, never later', () => {
    const stage = new Stage();
    stage.put(blobOf(1), 10);
    stage.put(blobOf(2), MAIL_TTL_MAX_S);
    stage.put(blobOf(3));
    assert.equal(stage.box.sweep(stage.nowMs), NOW_MS + 10_000);
    stage.pass(9.999);
    assert.equal(stage.blobs().length, 3);
    stage.pass(0.001);
    assert.deepEqual(stage.blobs(), [blobOf(2), blobOf(3)]);
    assert.equal(stage.box.sweep(stage.nowMs), NOW_MS + 60_000, 'MB5: its pass, without a body');
    assert.equal(stage.box.sweep(NOW_MS + 60_000), NOW_MS + DAY_MS);
    stage.nowMs = NOW_MS + DAY_MS;
    assert.deepEqual(stage.blobs(), []);
    assert.equal(stage.box.sweep(stage.nowMs), undefined);
  });

  it('is the operator’s where that is shorter, for bundles too', () => {
    const stage = new Stage(60);
    stage.put(blobOf(1), 3600);
    stage.ask(PUBLISH);
    stage.pass(59.999);
    assert.equal(stage.blobs().length, 1);
    assert.deepEqual(stage.ask(FETCH), { head: 'AQID', one_time: 'AQ' });
    stage.pass(0.001);
    assert.deepEqual([stage.blobs(), stage.ask(FETCH)], [[], 'no-bundle']);
  });
});

describe('a bundle in a box', () => {
  it('MB8, RL18: gives each one-time blob out once, then the head alone', () => {
    const stage = new Stage();
    assert.equal(stage.ask(FETCH), 'no-bundle');
    assert.deepEqual(stage.ask(PUBLISH), {});
    stage.evict();
    assert.deepEqual(stage.ask(FETCH), { head: 'AQID', one_time: 'AQ' });
    stage.evict();
    assert.deepEqual(stage.ask(FETCH), { head: 'AQID', one_time: 'Ag' });
    assert.deepEqual(stage.ask(FETCH), { head: 'AQID' });
    stage.ask({ method: 'mailbox_publish_bundle', params: { head: 'BAU', one_time: ['Aw'] } });
    assert.deepEqual(stage.ask(FETCH), { head: 'BAU', one_time: 'Aw' });
  });

  it('MB5: is not fetched, published or deleted twice under one pass', () => {
    const stage = new Stage();
    const [published, fetched, deleted] = [stage.nonce(), stage.nonce(), stage.nonce()];
    stage.ask(PUBLISH, { nonce: published });
    assert.deepEqual(stage.ask(FETCH, { nonce: fetched }), { head: 'AQID', one_time: 'AQ' });
    assert.deepEqual(stage.ask(FETCH, { nonce: fetched }), { head: 'AQID' });
    stage.ask({ method: 'mailbox_publish_bundle', params: { head: 'BAU', one_time: [] } });
    stage.evict();
    assert.deepEqual(stage.ask(PUBLISH, { nonce: published }), {});
    assert.deepEqual(stage.ask(FETCH), { head: 'BAU' }, 'the older one is not brought back');
    assert.deepEqual(stage.ask(DELETE, { nonce: deleted }), {});
    stage.put(blobOf(1));
    assert.deepEqual(stage.ask(DELETE, { nonce: deleted }), {});
    assert.equal(stage.blobs().length, 1, 'what came after is not deleted');
  });

  it('MB8: gives none to a call that nobody reads the answer of', () => {
    const stage = new Stage();
    stage.ask(PUBLISH);
    const pass = { role: 'put', nonce: stage.nonce(), expS: NOW_MS / 1000 + 60 } as const;
    assert.deepEqual(stage.box.call(pass, formatMailRequest(FETCH), stage.nowMs), {});
    assert.deepEqual(stage.ask(FETCH), { head: 'AQID', one_time: 'AQ' });
  });
});

describe('MB8: a box that is deleted', () => {
  it('has nothing any more; that its passes were used is forgotten last', () => {
    const stage = new Stage();
    const nonce = stage.nonce();
    stage.put(blobOf(1), undefined, nonce);
    stage.ask(PUBLISH);
    assert.deepEqual(stage.ask(DELETE), {});
    const bodies = stage.sql.exec('SELECT TOTAL(LENGTH(body)) AS bytes FROM rows').toArray();
    assert.deepEqual(bodies, [{ bytes: 0 }]);
    assert.deepEqual([stage.blobs(), stage.ask(FETCH)], [[], 'no-bundle']);
    stage.put(blobOf(1), undefined, nonce);
    assert.deepEqual(stage.blobs(), [], 'a replay brings nothing back');
    assert.equal(stage.box.sweep(stage.nowMs + MAIL_PASS_SPAN_MS), undefined);
  });

  it('and one that was only read, have never written anything', () => {
    const stage = new Stage();
    assert.deepEqual([stage.blobs(), stage.ask(FETCH)], [[], 'no-bundle']);
    stage.ask({ method: 'mailbox_ack', params: { ids: [stage.nonce()] } });
    stage.ask(DELETE, { role: 'put' });
    assert.deepEqual(stage.sql.tables(), []);
  });

  it('begins anew where all was deleted with its table', () => {
    const sql = new MemorySql();
    const store = new MailStore(sql);
    const box = new MailBox(store, 60);
    const put = (): void => {
      const text = formatMailRequest({ method: 'mailbox_put', params: { blob: blobOf(1) } }, 1);
      box.call({ role: 'put', nonce: 'A', expS: NOW_MS / 1000 + 60 }, text, NOW_MS);
    };
    put();
    assert.deepEqual([sql.tables(), store.isUntouched], [['rows'], false]);
    sql.deleteAll();
    store.forget();
    assert.equal(store.isUntouched, true);
    put();
    assert.deepEqual(store.mailTotals(), { count: 1, bytes: 540 });
  });
});

describe('who asks', () => {
  it('MB3: gets what belongs to the role, and nothing else', () => {
    const stage = new Stage();
    stage.put(blobOf(1));
    stage.ask(PUBLISH);
    const ids = stage.list().blobs.map(({ id }) => id);
    const requests: readonly MailRequest[] = [
      { method: 'mailbox_put', params: { blob: blobOf(2) } },
      { method: 'mailbox_list', params: {} },
      { method: 'mailbox_ack', params: { ids } },
      { method: 'mailbox_publish_bundle', params: { head: 'BAU', one_time: [] } },
      FETCH,
      DELETE,
    ];
    assert.deepEqual(requests.map(({ method }) => method).toSorted(), Object.keys(MAIL_ROLES).toSorted());
    for (const request of requests) {
      const role = MAIL_ROLES[request.method] === 'put' ? 'take' : 'put';
      assert.equal(stage.ask(request, { role }), 'mailbox-forbidden', request.method);
    }
    assert.deepEqual([stage.blobs(), stage.ask(FETCH)], [[blobOf(1)], { head: 'AQID', one_time: 'AQ' }]);
  });

  it('LM22: is refused above the rate; those who put cannot keep the owner out', () => {
    const stage = new Stage();
    for (let i = 0; i < MAIL_CALLS_BURST; i++) assert.deepEqual(stage.put(blobOf(i)), {});
    assert.equal(stage.put(blobOf(1)), 'rate-limited');
    assert.equal(stage.ask(FETCH), 'rate-limited');
    assert.equal(stage.list().has_more, false);
    stage.pass(1);
    for (let i = 0; i < MAIL_CALLS_PER_S; i++) assert.deepEqual(stage.put(blobOf(i)), {});
    assert.equal(stage.put(blobOf(1)), 'rate-limited');
    // An idle object is put out of memory after 10 s; by then its buckets are full again.
    assert.ok(MAIL_CALLS_BURST / MAIL_CALLS_PER_S < 10);
  });

  it('RL4: as a notification is told nothing, not even an error', () => {
    const stage = new Stage();
    const pass = { role: 'put', nonce: stage.nonce(), expS: NOW_MS / 1000 + 60 } as const;
    const put = formatMailRequest({ method: 'mailbox_put', params: { blob: blobOf(4) } });
    assert.deepEqual(stage.box.call(pass, put, NOW_MS), {});
    assert.deepEqual(stage.blobs(), [blobOf(4)]);
    assert.deepEqual(stage.box.call({ ...pass, nonce: stage.nonce() }, formatMailRequest(DELETE), NOW_MS), {});
    assert.deepEqual(stage.blobs(), [blobOf(4)]);
  });
});

describe('settings', () => {
  it('MB9: boxes are on for one word alone', () => {
    const others: readonly unknown[] = [undefined, '', 'off', 'ON', 'On', ' on', 'true', '1', 1, true, {}];
    assert.deepEqual([isMailboxOn('on'), others.filter(isMailboxOn)], [true, []]);
  });

  it('MB7: the time is 1 s to a day; anything else is the day', () => {
    assert.deepEqual(['1', '86400', 7, '007'].map(parseMailTtl), [1, 86_400, 7, 7]);
    for (const bad of [undefined, '', '0', 0, '86401', -1, 1.5, '1e3', ' 5', '100000', Number.NaN, null, {}]) {
      assert.equal(parseMailTtl(bad), MAIL_TTL_MAX_S);
    }
  });
});

describe(`fuzz: seed ${FUZZ_SEED}`, () => {
  it('whatever is asked, in whatever order, a box keeps its bounds and what a model of it says', () => {
    const random = new Random(FUZZ_SEED);
    const stage = new Stage(600);
    /** What lies there: id → blob and end, in order. */
    const model = new Map<string, { readonly blob: string; readonly endMs: number }>();
    const used: string[] = [];
    const seen = new Map<string, number>();
    let isBusy = false;
    const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
    for (let calls = 0; calls < FUZZ_CALLS; calls++) {
      stage.nowMs += random.chance(0.001) ? 700_000 : random.below(isBusy ? 20 : 300);
      if (random.chance(0.02)) isBusy = !isBusy;
      if (random.chance(0.01)) {
        // Idle for as long as it takes.
        stage.pass(10);
        stage.evict();
      }
      for (const [id, { endMs }] of model) if (endMs <= stage.nowMs) model.delete(id);
      const kind = random.below(10);
      if (kind < 5) {
        const nonce = used.length > 0 && random.chance(0.1) ? random.pick(used) : stage.nonce();
        const [blob, ttl] = [blobOf(random.below(256), random.below(4)), 1 + random.below(900)];
        const told = stage.put(blob, ttl, nonce);
        note(`put ${typeof told === 'string' ? told : 'done'}`);
        // a name that was given before is what it was, as long as that is known
        if (typeof told === 'object' && !used.includes(nonce)) {
          model.set(nonce, { blob, endMs: stage.nowMs + Math.min(ttl, 600) * 1000 });
          used.push(nonce);
        } else if (typeof told === 'object' && !model.has(nonce)) {
          // it may be taken for new once the pass has ended for sure; and then lies there under the same name
          const isThere =
            stage.sql.exec(`SELECT 1 FROM rows WHERE kind = 'mail' AND id = ?`, nonce).toArray().length > 0;
          if (isThere) model.set(nonce, { blob, endMs: stage.nowMs + Math.min(ttl, 600) * 1000 });
        }
      } else if (kind < 7 && model.size > 0) {
        const ids = [...model.keys()].filter(() => random.chance(0.01));
        const told = stage.ask({ method: 'mailbox_ack', params: { ids } });
        note(`ack ${typeof told === 'string' ? told : 'done'}`);
        if (typeof told === 'object') for (const id of ids) model.delete(id);
      } else if (kind === 7) {
        if (random.chance(0.01) && typeof stage.ask(DELETE) === 'object') model.clear();
      } else if (kind === 8) {
        const role = random.pick(['put', 'take'] as const);
        const text = brokenText(random, [formatMailRequest(PUBLISH, 1), formatMailRequest(FETCH, 1)]);
        const pass = { role, nonce: stage.nonce(), expS: Math.floor(stage.nowMs / 1000) + 60 };
        const { reason } = stage.box.call(pass, text, stage.nowMs);
        if (reason !== undefined) assert.ok((reason in RPC_ERRORS) satisfies boolean);
        note(`other ${reason satisfies RpcErrorReason | undefined}`);
      } else {
        const told = stage.ask({ method: 'mailbox_list', params: {} });
        const list = parseMailList(told);
        if (!list) {
          assert.equal(told, 'rate-limited');
          continue;
        }
        const expected = [...model].slice(0, list.blobs.length).map(([id, { blob }]) => ({ id, blob }));
        assert.deepEqual(list.blobs, expected, `call ${calls}`);
        assert.equal(list.has_more, list.blobs.length < model.size, `call ${calls}`);
        note('list');
      }
      const totals = new MailStore(stage.sql).mailTotals();
      assert.ok(totals.count <= MAIL_BLOBS_MAX && totals.bytes <= MAIL_BOX_MAX_BYTES, `call ${calls}`);
    }
    for (const what of ['put done', 'put mailbox-full', 'put rate-limited', 'ack done', 'list', 'other parse-error']) {
      assert.ok((seen.get(what) ?? 0) > 20, `${what}: ${JSON.stringify(Object.fromEntries(seen))}`);
    }
    stage.nowMs += DAY_MS;
    assert.equal(stage.box.sweep(stage.nowMs), undefined, 'nothing outlives its time');
  });
});
