/**
 * A second lock that an operator may add to every room (PROTOCOL.md AD17–AD19): a JWT of its own login service, beside the
 * room's token. By `jose`; here is only what to ask of it. Nothing of a JWT is kept, logged or passed on to a room.
 */
import { JOSEAlgNotAllowed, JWKSMultipleMatchingKeys, JWKSNoMatchingKey } from 'jose/errors';
import { createRemoteJWKSet, customFetch } from 'jose/jwks/remote';
import { jwtVerify } from 'jose/jwt/verify';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { importJWK, importSPKI } from 'jose/key/import';
import { asciiBytes, concatBytes, fromBase64Url, toBase64Url } from '../src/engine/protocol/bytes.ts';
import { idBytes } from '../src/engine/protocol/ids.ts';
import type { RoomId } from '../src/engine/protocol/ids.ts';
import { isRecord, parseJson } from '../src/engine/protocol/json.ts';
import { JWT_ROOM_LABEL } from '../src/engine/protocol/jwt.ts';
import { fetchKeys } from './jwks-fetch.ts';

/** RFC 7518 §3.2: a key of HS256 has at least the size of its hash. */
const SECRET_MIN_BYTES = 32;
const ED25519_KEY_BYTES = 32;
/** `SEQUENCE (42) { SEQUENCE (5) { OID 1.3.101.112 } BIT STRING (33), none unused`. */
const ED25519_SPKI_HEAD = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const LEEWAY_S = 30;
const JWKS_FRESH_MS = 600_000;
/** After the keys were fetched, another unknown key id is no reason to fetch them again for so long. */
const JWKS_COOLDOWN_MS = 30_000;
export const JWKS_TIMEOUT_MS = 3_000;

/**
 * One kind of key, and the algorithms that may be named with it: a JWT never chooses how it is checked (RFC 8725 §3.1).
 * `none` is in no list, and no list has both HMAC and signatures, so that a public key is never taken for a secret.
 */
const ALGORITHMS = {
  JWT_SECRET: ['HS256'],
  JWT_PUBLIC_KEY: ['EdDSA', 'Ed25519'],
  JWT_JWKS_URL: ['EdDSA', 'Ed25519', 'ES256'],
} as const;
type KeySetting = keyof typeof ALGORITHMS;
const KEY_SETTINGS = Object.keys(ALGORITHMS) as readonly KeySetting[];
const SETTINGS: readonly string[] = [...KEY_SETTINGS, 'JWT_ISSUER', 'JWT_AUDIENCE'];

export type JwtRule =
  | { readonly type: 'off' }
  /** Nobody passes, until the operator has put it right. `setting`: which one, never its value. */
  | { readonly type: 'malformed'; readonly setting: string }
  | { readonly type: 'on'; readonly key: JwtKey; readonly issuer: string | undefined; readonly audience: string };

type JwtKey = { readonly setting: KeySetting; readonly value: string };

export type JwtVerdict = 'passed' | 'jwt-invalid' | 'unavailable';

/** The login service could not be asked for its keys. */
class KeysAway extends Error {}

/**
 * Reads all settings that begin with `JWT_`. A name that is unknown, one that is empty, two kinds of key, or a rule without
 * a key is malformed: a slip of the pen must never be an open door.
 */
export function parseJwtSettings(env: { readonly [name: string]: unknown }): JwtRule {
  const names = Object.keys(env).filter((name) => name.startsWith('JWT_'));
  if (names.length === 0) return { type: 'off' };
  const malformed = (setting: string): JwtRule => ({ type: 'malformed', setting });
  const bad = names.find((name) => !SETTINGS.includes(name) || !isText(env[name]));
  if (bad !== undefined) return malformed(bad);
  const [setting, second] = KEY_SETTINGS.filter((name) => names.includes(name));
  if (!setting || second) return malformed(second ?? 'JWT_SECRET');
  const value = env[setting];
  const audience = env['JWT_AUDIENCE'];
  const issuer = env['JWT_ISSUER'];
  if (!isText(value) || !isUsable(setting, value)) return malformed(setting);
  // a JWT that was made for another service of the same issuer is none for us
  if (!isText(audience)) return malformed('JWT_AUDIENCE');
  return { type: 'on', key: { setting, value }, issuer: isText(issuer) ? issuer : undefined, audience };
}

export class JwtGate {
  readonly #rule: JwtRule;
  #key: JWTVerifyGetKey | undefined;

  constructor(rule: JwtRule) {
    this.#rule = rule;
  }

  /** Never rejects. */
  async check(jwt: string | undefined, roomId: RoomId): Promise<JwtVerdict> {
    const rule = this.#rule;
    if (rule.type === 'off') return 'passed';
    if (rule.type === 'malformed' || jwt === undefined) return 'jwt-invalid';
    try {
      this.#key ??= await keyOf(rule.key);
      const { payload } = await jwtVerify(jwt, this.#key, {
        algorithms: [...ALGORITHMS[rule.key.setting]],
        audience: rule.audience,
        ...(rule.issuer !== undefined && { issuer: rule.issuer }),
        requiredClaims: ['exp'],
        clockTolerance: LEEWAY_S,
      });
      return (await isForRoom(payload, roomId)) ? 'passed' : 'jwt-invalid';
    } catch (error) {
      return error instanceof KeysAway ? 'unavailable' : 'jwt-invalid';
    }
  }
}

/** What a JWT may name as its `room`: the login service is told this, and cannot find the room by it. */
export async function jwtRoomOf(roomId: RoomId): Promise<string> {
  const preimage = concatBytes(asciiBytes(JWT_ROOM_LABEL), idBytes(roomId));
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', preimage)));
}

async function isForRoom({ room }: JWTPayload, roomId: RoomId): Promise<boolean> {
  return room === undefined || room === (await jwtRoomOf(roomId));
}

async function keyOf({ setting, value }: JwtKey): Promise<JWTVerifyGetKey> {
  switch (setting) {
    case 'JWT_SECRET': {
      const secret = new TextEncoder().encode(value);
      return async () => secret;
    }
    case 'JWT_PUBLIC_KEY': {
      const jwk = parseJson(value);
      const key = isRecord(jwk) ? await importJWK(jwk, 'Ed25519') : await importSPKI(value, 'Ed25519');
      return async () => key;
    }
    case 'JWT_JWKS_URL': {
      const remote = createRemoteJWKSet(new URL(value), {
        timeoutDuration: JWKS_TIMEOUT_MS,
        cacheMaxAge: JWKS_FRESH_MS,
        cooldownDuration: JWKS_COOLDOWN_MS,
        [customFetch]: fetchKeys(),
      });
      return async (header, token) => {
        try {
          return await remote(header, token);
        } catch (error) {
          // about this JWT, not about the keys
          const isItsOwn = error instanceof JWKSNoMatchingKey || error instanceof JWKSMultipleMatchingKeys;
          if (isItsOwn || error instanceof JOSEAlgNotAllowed) throw error;
          throw new KeysAway();
        }
      };
    }
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

/** Any 32 bytes are taken for a key by those who import one; whether they are that of the login service, the first JWT shows. */
function isUsable(setting: KeySetting, value: string): boolean {
  switch (setting) {
    case 'JWT_SECRET':
      return new TextEncoder().encode(value).length >= SECRET_MIN_BYTES;
    case 'JWT_PUBLIC_KEY': {
      const jwk = parseJson(value);
      // a private key in a public place is a slip that somebody has to hear of
      if (!isRecord(jwk)) return isEd25519Pem(value);
      const isPublic = jwk['kty'] === 'OKP' && jwk['crv'] === 'Ed25519' && jwk['d'] === undefined;
      return isPublic && isText(jwk['x']) && fromBase64Url(jwk['x'])?.length === ED25519_KEY_BYTES;
    }
    case 'JWT_JWKS_URL':
      return isKeysUrl(value);
  }
}

/** RFC 8410 §4: an algorithm identifier without parameters, and the key as a bit string. */
function isEd25519Pem(text: string): boolean {
  const body = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/.exec(text.trim())?.[1];
  // `base64url` differs in two digits, and has no padding
  const digits = body?.replace(/[\s=]/g, '').replaceAll('+', '-').replaceAll('/', '_');
  const der = fromBase64Url(digits ?? '');
  return (
    der?.length === ED25519_SPKI_HEAD.length + ED25519_KEY_BYTES &&
    ED25519_SPKI_HEAD.every((byte, at) => der[at] === byte)
  );
}

/** `https:`, and `http:` on this machine, where a test or a login service beside the relay may stand. */
function isKeysUrl(value: string): boolean {
  try {
    const { protocol, hostname, username, password } = new URL(value);
    const isLocal = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
    return (protocol === 'https:' || (protocol === 'http:' && isLocal)) && username === '' && password === '';
  } catch {
    return false;
  }
}
