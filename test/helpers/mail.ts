/** Mailboxes for tests: rows in memory, keys of a box, passes, and calls to a real relay. */
import { DatabaseSync } from 'node:sqlite';
import type { Sql, SqlRow } from '../../relay-worker/mailbox-store.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { MAIL_BLOB_SIZES_BYTES, MAILBOX_RPC_PATH, formatMailRequest } from '../../src/engine/protocol/mailbox.ts';
import type { MailRequest } from '../../src/engine/protocol/mailbox.ts';
import { formatMailPass, mailPassSigningBytes } from '../../src/engine/protocol/mailbox-pass.ts';
import type { MailPass, MailRole } from '../../src/engine/protocol/mailbox-pass.ts';
import { parseRelayText } from '../../src/engine/protocol/relay.ts';
import type { RelayMessage, RpcId } from '../../src/engine/protocol/relay.ts';

/** An object's SQLite, as `node:sqlite` has it. */
export class MemorySql implements Sql {
  #database = new DatabaseSync(':memory:');

  exec(query: string, ...bindings: (string | number | Bytes)[]): { toArray(): SqlRow[] } {
    const rows = this.#database.prepare(query).all(...bindings);
    const plain = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          value instanceof Uint8Array ? new Uint8Array(value).buffer : (value as string | number | null),
        ]),
      ),
    );
    return { toArray: () => plain };
  }

  /** As the platform's `deleteAll`. */
  deleteAll(): void {
    this.#database.close();
    this.#database = new DatabaseSync(':memory:');
  }

  tables(): unknown[] {
    return this.exec(`SELECT name FROM sqlite_master WHERE type = 'table'`)
      .toArray()
      .map(({ name }) => name);
  }
}

export type TestBox = {
  readonly pkPut: Bytes;
  readonly pkTake: Bytes;
  readonly putKey: CryptoKey;
  readonly takeKey: CryptoKey;
};

export async function createTestBox(): Promise<TestBox> {
  const [put, take] = await Promise.all([newKeys(), newKeys()]);
  return { pkPut: await rawOf(put), pkTake: await rawOf(take), putKey: put.privateKey, takeKey: take.privateKey };
}

/** A pass that holds now for this body, with the given fields instead; signed with the key of its role unless another is given. */
export async function passFor(
  box: TestBox,
  role: MailRole,
  body: string,
  instead: Partial<MailPass> & { readonly key?: CryptoKey } = {},
): Promise<string> {
  const { key, ...fields } = instead;
  const iatS = fields.iatS ?? Math.floor(Date.now() / 1000);
  const bodyHash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body)));
  const nonce = crypto.getRandomValues(new Uint8Array(16));
  const { pkPut, pkTake } = box;
  const pass: MailPass = { role, pkPut, pkTake, iatS, expS: iatS + 60, nonce, bodyHash, ...fields };
  const signingKey = key ?? (role === 'put' ? box.putKey : box.takeKey);
  const signature = await crypto.subtle.sign({ name: 'Ed25519' }, signingKey, mailPassSigningBytes(pass));
  return formatMailPass(pass, new Uint8Array(signature));
}

export type MailResponse = {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  readonly message: RelayMessage | undefined;
};

export async function postMail(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  pass?: string,
): Promise<MailResponse> {
  const headers = pass === undefined ? {} : { Authorization: `Bearer ${pass}` };
  const response = await fetch(`${url}${MAILBOX_RPC_PATH}`, { method: 'POST', headers, body });
  const text = await response.text();
  const message = text === '' ? undefined : parseRelayText(text);
  if (text !== '' && !message) throw new Error(`the relay wrote what no client can read: ${text.slice(0, 200)}`);
  return { status: response.status, text, headers: response.headers, message };
}

/** A call with a good pass. */
export async function callMail(
  url: string,
  box: TestBox,
  role: MailRole,
  request: MailRequest,
  id: RpcId = 1,
): Promise<MailResponse> {
  const body = formatMailRequest(request, id);
  return await postMail(url, body, await passFor(box, role, body));
}

/** A blob of the given size class, 0 to 3, that is full of one byte. */
export function blobOf(byte: number, size = 0): string {
  return toBase64Url(new Uint8Array(MAIL_BLOB_SIZES_BYTES[size] ?? 0).fill(byte));
}

async function newKeys(): Promise<CryptoKeyPair> {
  return (await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])) as CryptoKeyPair;
}

async function rawOf({ publicKey }: CryptoKeyPair): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
}
