/**
 * Mailboxes over HTTP (PROTOCOL.md MB1–MB5): one JSON-RPC 2.0 call a request, the pass behind `Bearer`, any origin, no
 * cookies. No box is touched for a caller without a good pass, or with another body than it is for.
 */
import { asciiBytes, concatBytes, equalBytes, toBase64Url } from '../src/engine/protocol/bytes.ts';
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import { formatError } from '../src/engine/protocol/relay.ts';
import { mailAddressPreimage, parseMailPass } from '../src/engine/protocol/mailbox-pass.ts';
import type { MailPass, ParsedMailPass } from '../src/engine/protocol/mailbox-pass.ts';
import { tokenTimeFault } from '../src/engine/protocol/token.ts';
import { bearerOf } from './admission.ts';
import { preflight, readText, refuse, respond } from './http-face.ts';
import type { CheckedPass } from './mailbox-box.ts';
import { isMailboxOn } from './mailbox-limits.ts';
import type { CallAnswer } from './relay-room.ts';

const OBJECT_LABEL = asciiBytes('tai/1 mailbox object');

/** Asks the box of this name. Rejects where it cannot be reached. */
export type BoxCall = (objectName: string, pass: CheckedPass, text: string) => Promise<CallAnswer>;

export { MAILBOX_RPC_PATH } from '../src/engine/protocol/mailbox.ts';

/** Never rejects. `setting`: the operator's `MAILBOX` (MB9). */
export async function answerMail(request: Request, setting: unknown, askBox: BoxCall): Promise<Response> {
  if (request.method === 'OPTIONS') return preflight();
  if (request.method !== 'POST') return refuse('invalid-request', { status: 405, headers: { Allow: 'POST, OPTIONS' } });
  if (!isMailboxOn(setting)) return refuse('mailbox-off');
  const bearer = bearerOf(request.headers.get('Authorization'));
  const parsed = bearer === undefined ? undefined : parseMailPass(bearer);
  const nowS = Math.floor(Date.now() / 1000);
  const headers = { 'WWW-Authenticate': 'Bearer' };
  const timeFault = parsed ? tokenTimeFault(parsed.pass, nowS) : 'token-invalid';
  if (!parsed || timeFault) {
    const reason = timeFault ?? 'token-invalid';
    return respond(
      { reason, text: formatError(null, reason, reason === 'token-expired' ? { now: nowS } : {}) },
      { headers },
    );
  }
  if (!(await isSigned(parsed))) return refuse('token-invalid', { headers });
  const body = await readText(request.body);
  if (typeof body !== 'string') return refuse(body.fault);
  const { role, nonce, expS, bodyHash } = parsed.pass;
  if (!equalBytes(await sha256(new TextEncoder().encode(body) as Bytes), bodyHash))
    return refuse('token-invalid', { headers });
  try {
    return respond(await askBox(await mailObjectName(parsed.pass), { role, nonce: toBase64Url(nonce), expS }, body));
  } catch {
    // The object is being moved or is overloaded; what the platform says about it is not for clients.
    return refuse('unavailable');
  }
}

/** MB2: what the platform is told. Neither address nor keys can be told from it. */
export async function mailObjectName({ pkPut, pkTake }: Pick<MailPass, 'pkPut' | 'pkTake'>): Promise<string> {
  const address = await sha256(mailAddressPreimage(pkPut, pkTake));
  return toBase64Url(await sha256(concatBytes(OBJECT_LABEL, address)));
}

async function isSigned({ pass, signed, signature }: ParsedMailPass): Promise<boolean> {
  try {
    const key = pass.role === 'put' ? pass.pkPut : pass.pkTake;
    const verifier = await crypto.subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify']);
    return await crypto.subtle.verify({ name: 'Ed25519' }, verifier, signature, signed);
  } catch {
    return false;
  }
}

async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}
