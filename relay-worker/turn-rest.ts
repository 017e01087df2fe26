/**
 * TURN credentials that the Worker makes by itself, for coturn's `use-auth-secret` (PROTOCOL.md TU2; draft-uberti-behave-turn-rest-00
 * §2.2): the name says until when they are good, the password is a MAC of the name. HMAC-SHA1 is what the draft has, and what coturn
 * checks.
 */
import { asciiBytes, toHex } from '../src/engine/protocol/bytes.ts';
import type { IceServer } from '../src/engine/protocol/relay.ts';
import type { RestIssuer } from './ice-issuer.ts';

const NAME_RANDOM_BYTES = 12;

/** The part of the name behind the time is random and new each time: it leads to no room, no peer and no wallet. */
export async function restServers(
  { urls, secret }: RestIssuer,
  expiresS: number,
  random: Uint8Array = crypto.getRandomValues(new Uint8Array(NAME_RANDOM_BYTES)),
): Promise<readonly IceServer[]> {
  const username = `${expiresS}:${toHex(random)}`;
  return [{ urls, username, credential: await passwordOf(username, secret) }];
}

async function passwordOf(username: string, secret: string): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-1' };
  const key = await crypto.subtle.importKey('raw', asciiBytes(secret), algorithm, false, ['sign']);
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, asciiBytes(username)));
  return btoa(String.fromCharCode(...mac));
}
