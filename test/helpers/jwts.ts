/** A login service for tests: its keys, its JWTs, and its key set behind an HTTP server of this machine. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey as JoseKey, JWK, JWTPayload } from 'jose';

export const AUDIENCE = 'tai-room';
export const ISSUER = 'https://login.example';

export type LoginKey = { readonly alg: string; readonly key: JoseKey; readonly jwk: JWK };

export async function createLoginKey(alg: 'EdDSA' | 'ES256' | 'RS256', kid?: string): Promise<LoginKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, key: privateKey, jwk: { ...(await exportJWK(publicKey)), ...(kid !== undefined && { kid }) } };
}

/** Good for a minute, with the given claims instead; `undefined` leaves one out. */
export async function signJwt(
  { alg, key }: { readonly alg: string; readonly key: JoseKey | Uint8Array },
  claims: { readonly [claim: string]: unknown } = {},
  header: { readonly kid?: string; readonly crit?: string[] } = {},
): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 60;
  const payload: JWTPayload = { aud: AUDIENCE, iss: ISSUER, exp, ...claims };
  return await new SignJWT(payload).setProtectedHeader({ alg, ...header }).sign(key);
}

/** The same parts, but for the algorithm that is named: signed by nobody. */
export function unsigned(jwt: string, alg = 'none'): string {
  const [, payload = '', signature = ''] = jwt.split('.');
  return `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${payload}.${signature}`;
}

export type KeyServer = {
  readonly url: string;
  /** What it answers; a test may set it anew at any time. */
  answer: { readonly status?: number; readonly body: string; readonly location?: string } | 'hang';
  /** How often it was asked. */
  readonly asked: () => number;
  readonly stop: () => Promise<void>;
};

export async function startKeyServer(keys: readonly JWK[]): Promise<KeyServer> {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    const { answer } = keyServer;
    if (answer === 'hang') return;
    const headers = { 'Content-Type': 'application/json', ...(answer.location && { Location: answer.location }) };
    response.writeHead(answer.status ?? 200, headers).end(answer.body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const keyServer: KeyServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    answer: { body: JSON.stringify({ keys }) },
    asked: () => asked,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return keyServer;
}
