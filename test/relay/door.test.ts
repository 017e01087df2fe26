/** AD16, LM15 without a relay: which origins an operator lets in, and what the platform's limiter is given to count by. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressBlock, doorKey, isWithinDoorLimit } from '../../relay-worker/door-limit.ts';
import { Door } from '../../relay-worker/door.ts';
import type { DoorEnv } from '../../relay-worker/door.ts';
import { answerCall } from '../../relay-worker/http-face.ts';
import { answerMail } from '../../relay-worker/mailbox-face.ts';
import { answerPathReport } from '../../relay-worker/operator-view.ts';
import { isAllowedOrigin, parseOrigins } from '../../relay-worker/origins.ts';
import { TurnFace } from '../../relay-worker/turn-face.ts';
import { RELAY_RPC_PATH } from '../../src/engine/protocol/relay.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { Random } from '../helpers/random.ts';
import { bearer } from '../helpers/relay-calls.ts';
import { createTestRoom } from '../helpers/tokens.ts';

const LIST = 'https://example.org, https://*.rooms.example.net http://localhost:5173\nhttps://*.example.com:8443';

function allows(setting: unknown, origin: string | null): boolean {
  return isAllowedOrigin(parseOrigins(setting), origin);
}

describe('AD16: ALLOWED_ORIGINS', () => {
  it('not set: any page, and no page', () => {
    for (const origin of ['https://example.org', 'null', null]) assert.ok(allows(undefined, origin));
  });

  it('lets exact origins in, and hosts below a star', () => {
    for (const origin of ['https://example.org', 'http://localhost:5173', 'https://a.rooms.example.net']) {
      assert.ok(allows(LIST, origin), origin);
    }
    for (const origin of ['https://a.b-c.rooms.example.net', 'https://x.example.com:8443']) {
      assert.ok(allows(LIST, origin), origin);
    }
  });

  it('lets nobody else in, and nobody who names no origin', () => {
    const others = [
      null,
      '',
      'null',
      'http://example.org',
      'https://example.org:8443',
      'https://example.org.evil.example',
      'https://evilexample.org',
      'https://rooms.example.net',
      'https://.rooms.example.net',
      'https://evilrooms.example.net',
      'https://evil.example/.rooms.example.net',
      'https://evil.example#.rooms.example.net',
      'https://user@x.rooms.example.net',
      'https://a.rooms.example.net:444',
      'http://a.rooms.example.net',
      'https://a..rooms.example.net',
      'https://x.example.com',
      'HTTPS://EXAMPLE.ORG',
      'https://example.org https://evil.example',
    ];
    for (const origin of others) assert.equal(allows(LIST, origin), false, String(origin));
  });

  it('fails closed: a setting that is empty, or has one entry that is no origin, lets nobody in', () => {
    const bad = ['', ' , ', '*', 'example.org', 'https://example.org/', 'https://EXAMPLE.org', 'https://*', 7, null];
    const more = ['https://*.org', 'https://a.*.org', 'https://*.*.example.org', 'ftp://example.org', 'null', {}];
    for (const setting of [
      ...bad,
      ...more,
      'https://example.org:443',
      'https://u@example.org',
      'https://*x.example.org',
    ]) {
      assert.deepEqual(parseOrigins(setting), { type: 'malformed' }, String(setting));
      const mixed = typeof setting === 'string' ? `https://ok.example ${setting || '*'}` : setting;
      assert.equal(allows(mixed, 'https://ok.example'), setting === ' , ', String(setting));
    }
    assert.deepEqual(new Door({ ALLOWED_ORIGINS: '*' }).faults, ['ALLOWED_ORIGINS']);
    assert.deepEqual(new Door({ ALLOWED_ORIGINS: LIST }).faults, []);
  });

  it('fuzz: whatever is set, it is read without throwing, and lets in only what ends as it says', () => {
    const random = new Random(16);
    let listed = 0;
    for (let i = 0; i < 20_000; i++) {
      const setting = brokenText(random, [LIST, 'https://example.org', '["https://*.example.org"]']);
      const rule = parseOrigins(setting);
      if (rule.type !== 'listed') continue;
      listed++;
      for (const origin of rule.exact) assert.ok(isAllowedOrigin(rule, origin));
      assert.equal(isAllowedOrigin(rule, 'https://evil.example'), false);
    }
    assert.ok(listed > 200, `${listed}`);
  });

  it('stands before every face that takes a POST, with the limit, and asks none of them for who does not pass', async () => {
    const counted: string[] = [];
    const limit = async ({ key }: { readonly key: string }): Promise<{ readonly success: boolean }> => {
      counted.push(key);
      return { success: counted.length % 2 === 1 };
    };
    const counters = { writeDataPoint: () => assert.fail('counted') };
    // the JWT is of rooms, and none of these names one
    const env = { ALLOWED_ORIGINS: 'https://example.org', DOOR_LIMIT: { limit }, JWT_SECRET: 's'.repeat(32) };
    const door = new Door({ ...env, JWT_AUDIENCE: 'tai' } as DoorEnv);
    assert.deepEqual(door.faults, []);
    const turn = new TurnFace();
    const faces: readonly ((request: Request) => Promise<Response>)[] = [
      (request) => turn.answerRequest(request, {}, door),
      (request) => answerMail(request, 'on', () => assert.fail('asked'), door),
      (request) => answerPathReport(request, counters, door),
    ];
    for (const face of faces) {
      const ask = async (method: string, Origin: string): Promise<unknown[]> => {
        const headers = { Origin, 'CF-Connecting-IP': '192.0.2.1' };
        const body = method === 'POST' ? 'x' : null;
        const { status, headers: told } = await face(new Request('https://relay.example/', { method, headers, body }));
        return [status, told.get('Access-Control-Allow-Origin'), told.get('Vary')];
      };
      const before = counted.length;
      for (const method of ['OPTIONS', 'POST', 'GET']) {
        assert.deepEqual(await ask(method, 'https://evil.example'), [403, null, 'Origin']);
      }
      assert.deepEqual(await ask('OPTIONS', 'https://example.org'), [204, 'https://example.org', 'Origin']);
      assert.equal(counted.length, before, 'neither those nor a preflight are counted');
      const [status, ...cors] = await ask('POST', 'https://example.org');
      assert.ok(status === 400 || status === 401, `${String(status)}: the face itself has answered`);
      assert.deepEqual(cors, ['https://example.org', 'Origin']);
      assert.deepEqual(await ask('POST', 'https://example.org'), [429, 'https://example.org', 'Origin']);
    }
  });

  it('is what a browser lets the calling page read, and stands before everything else', async () => {
    const door = new Door({ ALLOWED_ORIGINS: 'https://example.org' });
    const authorization = await bearer(await createTestRoom());
    const call = async (method: string, origin: string | undefined): Promise<Response> => {
      const headers = { Authorization: authorization, ...(origin !== undefined && { Origin: origin }) };
      const body = method === 'POST' ? '{}' : null;
      const request = new Request(`https://relay.example${RELAY_RPC_PATH}`, { method, headers, body });
      return await answerCall(request, async () => ({ text: '{}' }), door);
    };
    const told = (response: Response): unknown[] => {
      const { headers, status } = response;
      return [status, headers.get('Access-Control-Allow-Origin'), headers.get('Vary')];
    };
    assert.deepEqual(told(await call('OPTIONS', 'https://example.org')), [204, 'https://example.org', 'Origin']);
    assert.deepEqual(told(await call('POST', 'https://example.org')), [200, 'https://example.org', 'Origin']);
    for (const origin of ['https://evil.example', 'null', undefined]) {
      assert.deepEqual(told(await call('OPTIONS', origin)), [403, null, 'Origin']);
      const refused = await call('POST', origin);
      assert.deepEqual(told(refused), [403, null, 'Origin']);
      assert.match(await refused.text(), /"reason":"origin-refused"/);
    }
  });
});

describe('LM15: the limit at the door', () => {
  const DAY_MS = 86_400_000;

  it('is counted by 20 bits that change every day, and never by an address', async () => {
    const keys = new Set<string>();
    for (let n = 0; n < 300; n++) keys.add(await doorKey(`192.0.2.${n}`, 5 * DAY_MS));
    for (const key of keys) assert.match(key, /^[0-9a-f]{5}$/);
    assert.ok(keys.size > 290);
    assert.equal(await doorKey('192.0.2.1', 5 * DAY_MS), await doorKey('192.0.2.1', 6 * DAY_MS - 1));
    assert.notEqual(await doorKey('192.0.2.1', 5 * DAY_MS), await doorKey('192.0.2.1', 6 * DAY_MS));
  });

  it('is counted by a key that nobody can work out without the operator’s secret, where there is one', async () => {
    const keys = new Map<unknown, string>();
    const limit = {
      limit: async ({ key }: { readonly key: string }) => ({ success: keys.set(keys.size, key).size > 0 }),
    };
    const from = new Headers({ 'CF-Connecting-IP': '192.0.2.1' });
    for (const DOOR_SECRET of [undefined, '', 'one secret', 'another secret']) {
      await new Door({ DOOR_LIMIT: limit, DOOR_SECRET }).refusalOf(from, 0);
    }
    const [unset, empty, one, another] = keys.values();
    assert.deepEqual([unset, empty], [await doorKey('192.0.2.1', 0), await doorKey('192.0.2.1', 0)]);
    assert.equal(new Set([unset, one, another]).size, 3);
    assert.equal(one, await doorKey('192.0.2.1', 0, 'one secret'));
    assert.match(one ?? '', /^[0-9a-f]{5}$/);
  });

  it('takes an IPv6 network for one address, however it is written', () => {
    const blocks = {
      '2001:db8:1:2:3:4:5:6': '2001:db8:1:2',
      '2001:DB8:1:2::9': '2001:db8:1:2',
      '2001:0db8:0001:0002:ffff::': '2001:db8:1:2',
      '2001:db8::1': '2001:db8:0:0',
      '::1': '0:0:0:0',
      '::': '0:0:0:0',
      '1::2:3:4:5:6:7': '1:0:2:3',
      '192.0.2.1': '192.0.2.1',
      '': '',
    };
    for (const [address, block] of Object.entries(blocks)) assert.equal(addressBlock(address), block, address);
  });

  it('is none without a binding, without an address, and where the limiter fails', async () => {
    const never = { limit: async () => ({ success: false }) };
    const broken = { limit: () => Promise.reject(new Error('SECRET')) };
    assert.equal(await isWithinDoorLimit(never, '192.0.2.1', 0), false);
    assert.equal(await isWithinDoorLimit(undefined, '192.0.2.1', 0), true);
    assert.equal(await isWithinDoorLimit(never, null, 0), true);
    assert.equal(await isWithinDoorLimit(broken, '192.0.2.1', 0), true);
  });

  it('is asked once for each call, with the origin looked at before', async () => {
    const asked: string[] = [];
    const limit = { limit: async ({ key }: { readonly key: string }) => ({ success: asked.push(key) < 2 }) };
    const door = new Door({ ALLOWED_ORIGINS: 'https://example.org', DOOR_LIMIT: limit });
    const from = (Origin: string): Headers => new Headers({ Origin, 'CF-Connecting-IP': '192.0.2.1' });
    assert.equal(await door.refusalOf(from('https://evil.example'), 0), 'origin-refused');
    assert.deepEqual(asked, []);
    assert.equal(await door.refusalOf(from('https://example.org'), 0), undefined);
    assert.equal(await door.refusalOf(from('https://example.org'), 0), 'rate-limited');
    assert.equal(asked.length, 2);
  });
});
