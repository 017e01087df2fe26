/** AD17–AD19 without a relay: what the operator's settings let in, and everything that they do not. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { exportSPKI, generateKeyPair } from 'jose';
import { JWKS_KEYS_MAX, JWKS_MAX_BYTES, JWKS_RETRY_AFTER_MS, fetchKeys } from '../../relay-worker/jwks-fetch.ts';
import { JwtGate, jwtRoomOf, parseJwtSettings } from '../../relay-worker/jwt.ts';
import type { JwtVerdict } from '../../relay-worker/jwt.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { parseJwtText } from '../../src/engine/protocol/jwt.ts';
import { brokenText } from '../helpers/fuzz.ts';
import { AUDIENCE, ISSUER, createLoginKey, signJwt, startKeyServer, unsigned } from '../helpers/jwts.ts';
import type { KeyServer, LoginKey } from '../helpers/jwts.ts';
import { Random } from '../helpers/random.ts';
import { ROOM, roomIdOf } from '../helpers/samples.ts';

const SECRET = 'a secret of more than thirty-two bytes';
const HMAC = { alg: 'HS256', key: new TextEncoder().encode(SECRET) };
const HMAC_ENV = { JWT_SECRET: SECRET, JWT_AUDIENCE: AUDIENCE, JWT_ISSUER: ISSUER };

let ed: LoginKey;
let es: LoginKey;
let rsa: LoginKey;

before(async () => {
  [ed, es, rsa] = await Promise.all([
    createLoginKey('EdDSA', 'ed'),
    createLoginKey('ES256', 'es'),
    createLoginKey('RS256', 'rsa'),
  ]);
});

function gateOf(env: { readonly [name: string]: unknown }): JwtGate {
  return new JwtGate(parseJwtSettings(env));
}

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

function partsOf(jwt: string): string[] {
  return jwt.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'));
}

describe('AD17: settings', () => {
  it('without any, nobody is asked for a JWT', async () => {
    const gate = gateOf({ ROOMS: {}, ICE_SERVERS: '[]' });
    assert.equal(await gate.check(undefined, ROOM), 'passed');
  });

  it('fail closed: one that is unknown, empty, too weak, doubled or alone lets nobody in, and is named', async () => {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
    const { x, d } = (await crypto.subtle.exportKey('jwk', privateKey)) as { x: string; d: string };
    const jwk = { kty: 'OKP', crv: 'Ed25519', x };
    const PEM = await exportSPKI(publicKey);
    const aud = { JWT_AUDIENCE: AUDIENCE };
    const pem = (der: Uint8Array): string =>
      `-----BEGIN PUBLIC KEY-----\n${Buffer.from(der).toString('base64')}\n-----END PUBLIC KEY-----\n`;
    const der = new Uint8Array(await crypto.subtle.exportKey('spki', publicKey));
    const p256 = await generateKeyPair('ES256', { extractable: true });
    const bad: readonly [{ readonly [name: string]: unknown }, string][] = [
      [{ ...HMAC_ENV, JWT_SECERT: SECRET }, 'JWT_SECERT'],
      [{ ...HMAC_ENV, JWT_SECRET: '' }, 'JWT_SECRET'],
      [{ ...HMAC_ENV, JWT_SECRET: 'x'.repeat(31) }, 'JWT_SECRET'],
      [{ ...HMAC_ENV, JWT_SECRET: 7 }, 'JWT_SECRET'],
      [{ ...HMAC_ENV, JWT_ISSUER: ' ' }, 'JWT_ISSUER'],
      [{ ...HMAC_ENV, JWT_PUBLIC_KEY: PEM }, 'JWT_PUBLIC_KEY'],
      [{ JWT_SECRET: SECRET }, 'JWT_AUDIENCE'],
      [{ JWT_ISSUER: ISSUER }, 'JWT_SECRET'],
      [aud, 'JWT_SECRET'],
      [{ ...aud, JWT_PUBLIC_KEY: 'x' }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: JSON.stringify({ ...jwk, d }) }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: JSON.stringify(rsa.jwk) }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: JSON.stringify({ kty: 'oct', k: 'AAAA' }) }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: '{"kty":"OKP","crv":"Ed25519"}' }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: JSON.stringify({ ...jwk, x: 'AQID' }) }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: JSON.stringify({ ...jwk, x: `${x}AA` }) }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: JSON.stringify({ ...jwk, x: `${x.slice(1)}=` }) }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----' }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----' }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: PEM.replace('-----END PUBLIC KEY-----', '') }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: pem(der.subarray(0, 43)) }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: pem(der.with(8, 0x6e)) }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_PUBLIC_KEY: await exportSPKI(p256.publicKey) }, 'JWT_PUBLIC_KEY'],
      [{ ...aud, JWT_JWKS_URL: 'login.example/keys' }, 'JWT_JWKS_URL'],
      [{ ...aud, JWT_JWKS_URL: 'http://login.example/keys' }, 'JWT_JWKS_URL'],
      [{ ...aud, JWT_JWKS_URL: 'https://user:pass@login.example/keys' }, 'JWT_JWKS_URL'],
      [{ ...aud, JWT_JWKS_URL: 'data:application/json,{}' }, 'JWT_JWKS_URL'],
    ];
    for (const [env, setting] of bad) {
      assert.deepEqual(parseJwtSettings(env), { type: 'malformed', setting }, setting);
      assert.equal(await gateOf(env).check(await signJwt(HMAC), ROOM), 'jwt-invalid');
    }
  });
});

describe('AD17: a JWT under HS256', () => {
  const judge = async (jwt: string | undefined, env = HMAC_ENV): Promise<JwtVerdict> => gateOf(env).check(jwt, ROOM);

  it('that is good lets in; none, or another’s, does not', async () => {
    assert.equal(await judge(await signJwt(HMAC)), 'passed');
    assert.equal(await judge(await signJwt(HMAC, { aud: ['other', AUDIENCE] })), 'passed');
    const other = { ...HMAC, key: new TextEncoder().encode(`${SECRET}!`) };
    for (const jwt of [undefined, '', 'a.b.c', await signJwt(other)]) assert.equal(await judge(jwt), 'jwt-invalid');
  });

  it('that has ended, has not begun, never ends, or is for others, does not', async () => {
    const bad = [
      { exp: nowS() - 31 },
      { exp: undefined },
      { nbf: nowS() + 90 },
      { aud: 'other' },
      { aud: undefined },
      { iss: 'https://other.example' },
      { iss: undefined },
    ];
    for (const claims of bad) {
      assert.equal(await judge(await signJwt(HMAC, claims)), 'jwt-invalid', JSON.stringify(claims));
    }
    assert.equal(await judge(await signJwt(HMAC, { exp: nowS() - 10 })), 'passed', 'clocks may differ by 30 s');
    const { JWT_ISSUER: _, ...anyIssuer } = HMAC_ENV;
    assert.equal(await gateOf(anyIssuer).check(await signJwt(HMAC, { iss: undefined }), ROOM), 'passed');
  });

  it('attack: `none`, another algorithm or an unknown critical header does not', async () => {
    const good = await signJwt(HMAC);
    for (const alg of ['none', 'None', 'NONE', '', 'HS512', 'EdDSA', 'RS256']) {
      assert.equal(await judge(unsigned(good, alg)), 'jwt-invalid', alg);
    }
    assert.equal(await judge(await signJwt({ ...HMAC, alg: 'HS512' })), 'jwt-invalid');
    assert.equal(await judge(await signJwt(ed)), 'jwt-invalid');
    const critical = Buffer.from(JSON.stringify({ alg: 'HS256', crit: ['b64'], b64: false })).toString('base64url');
    assert.equal(await judge(good.replace(/^[^.]+/, critical)), 'jwt-invalid');
  });

  it('fuzz: whatever a JWT is, it is judged without throwing, and only the good one lets in', async () => {
    const gate = gateOf(HMAC_ENV);
    const good = await signJwt(HMAC);
    const random = new Random(17);
    let refused = 0;
    for (let i = 0; i < 2_000; i++) {
      const jwt = parseJwtText(brokenText(random, [good]));
      const verdict = await gate.check(jwt, ROOM);
      // the last digit of a part may have bits that say nothing
      if (verdict === 'passed') assert.deepEqual(partsOf(jwt ?? ''), partsOf(good));
      else refused++;
    }
    assert.ok(refused > 1_000 && refused < 2_000, `${refused}`);
  });
});

describe('AD18: a JWT’s room', () => {
  it('is any where it names none, and this one alone where it does', async () => {
    const gate = gateOf(HMAC_ENV);
    const room = await jwtRoomOf(ROOM);
    assert.equal(await gate.check(await signJwt(HMAC, { room }), ROOM), 'passed');
    assert.equal(await gate.check(await signJwt(HMAC, { room }), roomIdOf(0xbb)), 'jwt-invalid');
    for (const other of ['', ROOM, null, 7, [room], { room }]) {
      assert.equal(await gate.check(await signJwt(HMAC, { room: other }), ROOM), 'jwt-invalid', String(other));
    }
  });

  it('is told as a hash that does not hold the room’s id', async () => {
    const room = await jwtRoomOf(ROOM);
    assert.match(room, /^[A-Za-z0-9_-]{43}$/);
    assert.notEqual(room, toBase64Url(new Uint8Array(32).fill(0xaa)));
  });
});

describe('AD17: a JWT under a public key', () => {
  it('lets in as JWK and as PEM, under both names of the algorithm', async () => {
    const { publicKey, privateKey } = await generateKeyPair('Ed25519', { extractable: true });
    const pem = await exportSPKI(publicKey);
    const { kty, crv, x } = (await crypto.subtle.exportKey('jwk', publicKey)) as {
      kty: string;
      crv: string;
      x: string;
    };
    for (const key of [pem, JSON.stringify({ kty, crv, x })]) {
      const gate = gateOf({ JWT_PUBLIC_KEY: key, JWT_AUDIENCE: AUDIENCE });
      for (const alg of ['EdDSA', 'Ed25519']) {
        assert.equal(await gate.check(await signJwt({ alg, key: privateKey }), ROOM), 'passed');
      }
      assert.equal(await gate.check(await signJwt(ed), ROOM), 'jwt-invalid', 'another key');
    }
  });

  it('attack: key confusion: HMAC with the public key as its secret does not let in', async () => {
    const { publicKey } = await generateKeyPair('EdDSA', { extractable: true });
    const pem = await exportSPKI(publicKey);
    const { x = '' } = (await crypto.subtle.exportKey('jwk', publicKey)) as { x?: string };
    const gate = gateOf({ JWT_PUBLIC_KEY: pem, JWT_AUDIENCE: AUDIENCE });
    for (const secret of [Buffer.from(pem), Buffer.from(pem.trim()), Buffer.from(x, 'base64url')]) {
      assert.equal(await gate.check(await signJwt({ alg: 'HS256', key: secret }), ROOM), 'jwt-invalid');
    }
    assert.equal(await gate.check(unsigned(await signJwt(ed)), ROOM), 'jwt-invalid');
  });
});

describe('AD19: a key set', () => {
  let server: KeyServer;

  before(async () => {
    server = await startKeyServer([]);
  });

  after(async () => {
    await server.stop();
  });

  function serve(...keys: readonly LoginKey[]): JwtGate {
    server.answer = { body: JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }) };
    return gateOf({ JWT_JWKS_URL: server.url, JWT_AUDIENCE: AUDIENCE });
  }

  it('lets in by its EdDSA and ES256 keys, fetched once', async () => {
    const gate = serve(ed, es);
    const asked = server.asked();
    for (const key of [ed, es, ed]) {
      assert.equal(await gate.check(await signJwt(key, {}, { kid: String(key.jwk.kid) }), ROOM), 'passed');
    }
    assert.equal(server.asked(), asked + 1);
  });

  it('attack: `none`, RSA, HMAC and a key that only the JWT names do not let in, and nothing is fetched for them', async () => {
    const gate = serve(ed, rsa, { ...ed, jwk: { kty: 'oct', k: toBase64Url(HMAC.key), kid: 'h' } });
    const asked = server.asked();
    const good = await signJwt(ed, {}, { kid: 'ed' });
    const bad = [await signJwt(rsa, {}, { kid: 'rsa' }), await signJwt(HMAC, {}, { kid: 'h' }), unsigned(good)];
    for (const jwt of bad) assert.equal(await gate.check(jwt, ROOM), 'jwt-invalid');
    assert.equal(server.asked(), asked);
    const own = await createLoginKey('EdDSA', 'own');
    const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', jwk: own.jwk, jku: server.url })).toString('base64url');
    const signed = await signJwt(own);
    assert.equal(await gate.check(signed.replace(/^[^.]+/, header), ROOM), 'jwt-invalid');
  });

  it('that cannot be had is `unavailable`, and is not asked again at once', async () => {
    const good = await signJwt(ed, {}, { kid: 'ed' });
    const answers = [
      { status: 500, body: '' },
      { status: 302, body: '', location: server.url },
      { body: 'no JSON' },
      { body: '{"keys":{}}' },
      { body: `{"keys":[],"x":"${'x'.repeat(JWKS_MAX_BYTES)}"}` },
      { body: JSON.stringify({ keys: Array.from({ length: JWKS_KEYS_MAX + 1 }, () => ed.jwk) }) },
    ];
    for (const answer of answers) {
      const gate = serve(ed);
      server.answer = answer;
      const asked = server.asked();
      assert.equal(await gate.check(good, ROOM), 'unavailable', JSON.stringify(answer).slice(0, 60));
      assert.equal(await gate.check(good, ROOM), 'unavailable');
      assert.equal(server.asked(), asked + 1);
    }
  });

  it('is waited for no longer than its deadline', async () => {
    const gate = serve(ed);
    server.answer = 'hang';
    assert.equal(await gate.check(await signJwt(ed, {}, { kid: 'ed' }), ROOM), 'unavailable');
  });
});

describe('AD19: fetching a key set', () => {
  const KEYS = { keys: [] };

  it('tries again after a failure once 5 s have gone by', async () => {
    let nowMs = 0;
    let asked = 0;
    const get = fetchKeys(
      async () => (++asked === 1 ? new Response('', { status: 503 }) : Response.json(KEYS)),
      () => nowMs,
    );
    await assert.rejects(get('https://login.example', {}));
    nowMs = JWKS_RETRY_AFTER_MS - 1;
    await assert.rejects(get('https://login.example', {}));
    assert.equal(asked, 1);
    nowMs++;
    assert.deepEqual(await (await get('https://login.example', {})).json(), KEYS);
  });

  it('asks at most eight times at once', async () => {
    const waiting: (() => void)[] = [];
    const get = fetchKeys(
      () =>
        new Promise((resolve) => {
          waiting.push(() => resolve(Response.json(KEYS)));
        }),
    );
    const asking = Array.from({ length: 9 }, () =>
      get('https://login.example', {}).then(
        () => 'had',
        () => 'not',
      ),
    );
    assert.equal(await asking[8], 'not');
    assert.equal(waiting.length, 8);
    for (const answer of waiting) answer();
    assert.deepEqual(await Promise.all(asking), [...Array<string>(8).fill('had'), 'not']);
  });
});
