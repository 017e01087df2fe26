/** Calls to a real relay over HTTP, and what a client makes of the answers. */
import { request as httpRequest } from 'node:http';
import { RELAY_RPC_PATH, formatRequest, parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { ClientRequest, RelayMessage, RpcId } from '../../src/engine/protocol/relay.ts';
import type { TokenClaims } from '../../src/engine/protocol/token.ts';
import { signToken, testClaims } from './tokens.ts';
import type { TestRoom } from './tokens.ts';

export type CallResponse = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** As the client's parser reads it; `undefined` for an empty body. */
  readonly message: RelayMessage | undefined;
};

/** Posts whatever body under whatever authorization. */
export async function postCall(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  authorization?: string,
): Promise<CallResponse> {
  const headers = authorization === undefined ? {} : { Authorization: authorization };
  const response = await fetch(`${url}${RELAY_RPC_PATH}`, { method: 'POST', headers, body });
  const text = await response.text();
  const message = text === '' ? undefined : parseRelayText(text);
  if (text !== '' && !message) throw new Error(`the relay wrote what no client can read: ${text.slice(0, 200)}`);
  return { status: response.status, headers: response.headers, text, message };
}

/** A POST of a page to an address of the relay, as a browser would say where it comes from. */
export async function postFrom(
  origin: string | undefined,
  url: string,
  body: string,
): Promise<{ readonly status: number; readonly headers: Headers; readonly message: RelayMessage | undefined }> {
  const response = await fetch(url, { method: 'POST', headers: origin === undefined ? {} : { Origin: origin }, body });
  return { status: response.status, headers: response.headers, message: parseRelayText(await response.text()) };
}

export async function bearer(room: TestRoom, claims: Partial<TokenClaims> = {}): Promise<string> {
  return `Bearer ${await signToken(room, testClaims(room, claims))}`;
}

/** A call with a good token. */
export async function callRelay(
  url: string,
  room: TestRoom,
  claims: Partial<TokenClaims>,
  request: ClientRequest,
  id: RpcId = 1,
): Promise<CallResponse> {
  return await postCall(url, formatRequest(request, id), await bearer(room, claims));
}

/** The status that answers a body sent piece by piece, with nothing said of its length. */
export async function statusOfStream(url: string, authorization: string, pieces: readonly string[]): Promise<number> {
  return await new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const headers = { Authorization: authorization, 'Transfer-Encoding': 'chunked' };
    const sending = httpRequest({ hostname, port, path: RELAY_RPC_PATH, method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      sending.destroy();
    });
    // The relay need not read to the end of what it has refused.
    sending.on('error', reject);
    for (const piece of pieces) sending.write(piece);
    sending.end();
  });
}
