/** OP1–OP3: where objects are, what is counted, what the operator is told. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Door } from '../../relay-worker/door.ts';
import type { DoorEnv } from '../../relay-worker/door.ts';
import { answerHealth, answerPathReport, count, healthOf } from '../../relay-worker/operator-view.ts';
import type { HealthEnv } from '../../relay-worker/operator-view.ts';
import { objectNamed } from '../../relay-worker/placement.ts';
import type { PlacementSettings } from '../../relay-worker/placement.ts';
import { COUNTERS_PATH, formatPathReport } from '../../src/engine/protocol/path-report.ts';
import { RelayClient } from '../helpers/relay-client.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import { createTestRoom, offerFor } from '../helpers/tokens.ts';

/** Of an operator who has set nothing. */
const OPEN = new Door({});
const URL_OF = `https://relay.example${COUNTERS_PATH}`;

function placed(settings: PlacementSettings): string {
  const within = (place: string): Parameters<typeof objectNamed<string, string>>[0] => ({
    jurisdiction: (name) => within(name),
    idFromName: (name) => `${place}/${name}`,
    get: (id, options) => `${id} ${JSON.stringify(options)}`,
  });
  return objectNamed(within('anywhere'), 'room', settings);
}

class Points {
  readonly points: unknown[] = [];
  writeDataPoint(point: object): void {
    this.points.push(point);
  }
}

describe('OP2: where an object lives', () => {
  it('is where its first caller is, unless the operator says otherwise', () => {
    assert.equal(placed({}), 'anywhere/room {}');
    assert.equal(placed({ JURISDICTION: '', LOCATION_HINT: '' }), 'anywhere/room {}');
    assert.equal(placed({ JURISDICTION: 'eu' }), 'eu/room {}');
    assert.equal(placed({ JURISDICTION: 'us', LOCATION_HINT: 'wnam' }), 'us/room {"locationHint":"wnam"}');
  });

  it('leaves out a hint that is none, and hands every jurisdiction to the platform, which refuses what it does not know', () => {
    for (const hint of ['mars', 7, null, 'WEUR']) assert.equal(placed({ LOCATION_HINT: hint }), 'anywhere/room {}');
    assert.equal(placed({ JURISDICTION: 'EU' }), 'EU/room {}');
  });

  it('fails closed: where a jurisdiction cannot be had, no room and no mailbox opens elsewhere', async () => {
    // Local runtimes have none.
    const vars = { JURISDICTION: 'eu', MAILBOX: 'on' };
    const relay = await startRelayProcess({ runtime: 'workerd', vars });
    try {
      const client = new RelayClient(relay.url, await offerFor(await createTestRoom()));
      const { code } = await client.closed();
      assert.equal(code, 1006);
      const health = await fetch(`${relay.url}/healthz`);
      assert.equal(health.status, 200);
      await health.text();
    } finally {
      await relay.stop();
    }
  });
});

describe('OP1: what the operator is told', () => {
  it('is what is set, and which deployment it is', () => {
    const told = healthOf({ MAILBOX: 'on', COUNTERS: new Points(), DEPLOYMENT: { id: 'x' } }, OPEN);
    assert.deepEqual(told, { ok: true, protocol: 'tai.1', mailbox: true, counters: true, deployment: 'x' });
    assert.deepEqual(healthOf({}, OPEN), { ok: true, protocol: 'tai.1', mailbox: false, counters: false });
  });

  it('AD19: says that nobody comes in, with 503, and by which settings; a fault of TURN’s shuts nothing', async () => {
    const shut = { ALLOWED_ORIGINS: 'no-origin', JWT_SECRET: 'short', TURN_SECRET: 'short', MAILBOX: 'on' };
    const answer = answerHealth(shut, new Door(shut));
    const told = { ok: false, protocol: 'tai.1', mailbox: true, counters: false, turn: 'bad TURN_URLS' };
    assert.deepEqual([answer.status, await answer.json()], [503, { ...told, faults: 'ALLOWED_ORIGINS JWT_SECRET' }]);
    const open = answerHealth({ TURN_SECRET: 'short' }, OPEN);
    assert.deepEqual([open.status, await open.json()], [200, { ...told, ok: true, mailbox: false }]);
  });
});

describe('OP1, TU1: TURN for anybody', () => {
  const issuer = { TURN_URLS: '["turn:turn.example"]', TURN_SECRET: 'x'.repeat(32) };
  const fixed = { ICE_SERVERS: '[{"urls":"turn:turn.example","username":"u","credential":"c"}]' };
  const jwt = { JWT_SECRET: 'x'.repeat(32), JWT_AUDIENCE: 'tai-room' };
  const warned = (env: HealthEnv & DoorEnv): unknown => {
    const answer = healthOf(env, new Door(env));
    assert.equal(answer.ok, true, 'a warning is no failure');
    return answer['warnings'];
  };

  it('is warned of, as it is no failure: credentials are issued, or a password told, to who asks', () => {
    for (const env of [issuer, fixed, { ...issuer, TURN_REQUIRES: 'token' }]) {
      assert.equal(warned(env), 'turn-for-anybody');
      assert.equal(
        warned({ ...env, ALLOWED_ORIGINS: 'https://a.example' }),
        'turn-for-anybody',
        'no program is a page',
      );
    }
    assert.equal(warned({ ...issuer, ...fixed, TURN_REQUIRES: 'wallet' }), 'turn-for-anybody');
  });

  it('is not warned of where a JWT or a wallet is asked for, or there is no TURN', () => {
    for (const env of [{ ...issuer, ...jwt }, { ...fixed, ...jwt }, { ...issuer, TURN_REQUIRES: 'wallet' }, {}]) {
      assert.equal(warned(env), undefined);
    }
    assert.equal(warned({ ICE_SERVERS: '[{"urls":"stun:stun.example"}]' }), undefined);
    assert.equal(warned({ TURN_SECRET: 'short' }), undefined, 'a fault issues nothing');
  });
});

describe('OP3: a count', () => {
  it('says what, and nothing else; without a data set there is none', () => {
    const counters = new Points();
    count(counters, 'socket');
    assert.deepEqual(counters.points, [{ blobs: ['socket'], doubles: [1] }]);
    count(undefined, 'socket');
  });

  it('OP4: takes a report of one word, of any page, and keeps the word alone', async () => {
    const counters = new Points();
    const post = (body: string): Promise<Response> =>
      answerPathReport(
        new Request(`${URL_OF}?room=1`, { method: 'POST', body, headers: { Cookie: 'a=b' } }),
        counters,
        OPEN,
      );
    const taken = await post(formatPathReport('relayed'));
    assert.deepEqual([taken.status, await taken.text()], [204, '']);
    assert.equal(taken.headers.get('Access-Control-Allow-Origin'), '*');
    assert.equal(taken.headers.get('Set-Cookie'), null);
    assert.deepEqual(counters.points, [{ blobs: ['path-relayed'], doubles: [1] }]);
    for (const bad of ['', '{}', '{"path":"room 0xaa"}', 'x'.repeat(1000)]) assert.equal((await post(bad)).status, 400);
    assert.equal((await answerPathReport(new Request(URL_OF), counters, OPEN)).status, 405);
    assert.equal((await answerPathReport(new Request(URL_OF, { method: 'OPTIONS' }), counters, OPEN)).status, 204);
    assert.equal(counters.points.length, 1);
  });

  it('is refused where the operator counts nothing', async () => {
    const request = new Request(URL_OF, { method: 'POST', body: formatPathReport('direct') });
    assert.equal((await answerPathReport(request, undefined, OPEN)).status, 404);
  });
});

describe('OP1, OP3: the real relay, as it is delivered', () => {
  it('counts nothing, and tells what is set and nothing of how it is used', async () => {
    const relay = await startRelayProcess({ runtime: 'workerd' });
    try {
      const report = await fetch(`${relay.url}${COUNTERS_PATH}`, { method: 'POST', body: formatPathReport('direct') });
      assert.deepEqual([report.status, await report.text()], [404, '']);
      const expected = { ok: true, protocol: 'tai.1', mailbox: false, counters: false };
      const health = async (): Promise<unknown> => (await fetch(`${relay.url}/healthz`)).json();
      assert.deepEqual(await health(), expected);
      const guest = new RelayClient(relay.url, await offerFor(await createTestRoom()));
      await guest.text((text) => text.includes('"welcome"'), 'welcome');
      assert.deepEqual(await health(), expected);
      await guest.close();
    } finally {
      await relay.stop();
    }
  });
});

describe('wrangler.toml', () => {
  const toml = readFileSync(fileURLToPath(new URL('../../wrangler.toml', import.meta.url)), 'utf8');

  it('says above every line, or every block of them, what it does', () => {
    const paragraphs = toml.trim().split(/\n{2,}/);
    for (const paragraph of paragraphs) {
      assert.ok(paragraph.startsWith('#') || paragraph.startsWith('[vars]'), paragraph);
    }
    const lines = toml.split('\n');
    const settings = lines.slice(
      lines.indexOf('[vars]') + 1,
      lines.findIndex((line) => line === '[dev]'),
    );
    for (const [at, line] of settings.entries()) {
      if (/^[A-Z_]+ = /.test(line)) assert.ok(settings[at - 1]?.startsWith('#'), line);
    }
  });

  it('has mailboxes and counters off, and logs off', () => {
    assert.match(toml, /^MAILBOX = "off"$/m);
    assert.match(toml, /^\[observability\]\nenabled = false$/m);
    assert.doesNotMatch(toml, /^\[\[analytics_engine_datasets\]\]/m);
  });
});
