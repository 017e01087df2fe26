/**
 * Mailboxes over HTTP (PROTOCOL.md MB1–MB5): one JSON-RPC 2.0 call a request, the pass behind `Bearer`, no cookies. No box is touched for a caller without a good pass, or with another body than it is for.
 */
import { asciiBytes, concatBytes, equalBytes, toBase64Url } from '../src/engine/protocol/bytes.ts';
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import { mailAddressPreimage, parseMailPass } from '../src/engine/protocol/mailbox-pass.ts';
import type { MailPass, ParsedMailPass } from '../src/engine/protocol/mailbox-pass.ts';
import { tokenTimeFault } from '../src/engine/protocol/token.ts';
import { bearerOf } from './admission.ts';
import type { Door } from './door.ts';
import { asked, behindDoor, readCall, refusal, unknownCaller } from './http-face.ts';
import type { Answer } from './http-face.ts';
import type { CheckedPass } from './mailbox-box.ts';
import { isMailboxOn } from './mailbox-limits.ts';
import type { CallAnswer } from './relay-room.ts';

const OBJECT_LABEL = asciiBytes('tai/1 mailbox object');

/** Asks the box of this name. Rejects where it cannot be reached. */
export type BoxCall = (objectName: string, pass: CheckedPass, text: string) => Promise<CallAnswer>;

export { MAILBOX_RPC_PATH } from '../src/engine/protocol/mailbox.ts';

/** Never rejects. `setting`: the operator's `MAILBOX` (MB9). */
export async function answerMail(request: Request, setting: unknown, askBox: BoxCall, door: Door): Promise<Response> {
  return await behindDoor(request, door, () => mailAnswer(request, setting, askBox));
}

async function mailAnswer(request: Request, setting: unknown, askBox: BoxCall): Promise<Answer> {
  if (!isMailboxOn(setting)) return refusal('mailbox-off');
  const bearer = bearerOf(request.headers.get('Authorization'));
  const parsed = bearer === undefined ? undefined : parseMailPass(bearer);
  const nowS = Math.floor(Date.now() / 1000);
  const timeFault = parsed ? tokenTimeFault(parsed.pass, nowS) : 'token-invalid';
  if (!parsed || timeFault) return unknownCaller(timeFault ?? 'token-invalid', nowS);
  if (!(await isSigned(parsed))) return unknownCaller('token-invalid', nowS);
  const body = await readCall(request.body);
  if (typeof body !== 'string') return refusal(body.fault);
  const { role, nonce, expS, bodyHash } = parsed.pass;
  const hash = await sha256(new TextEncoder().encode(body) as Bytes);
  if (!equalBytes(hash, bodyHash)) return unknownCaller('token-invalid', nowS);
  const name = await mailObjectName(parsed.pass);
  return await asked(() => askBox(name, { role, nonce: toBase64Url(nonce), expS }, body));
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
