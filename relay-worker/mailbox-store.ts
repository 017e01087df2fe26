/**
 * The rows of one mailbox (PROTOCOL.md MB6–MB9). One table for everything that ends by itself, without a second index: a box
 * has a few hundred rows at most. No key, no address and no peer stands in it.
 */
import type { Bytes } from '../src/engine/protocol/bytes.ts';

/** What an object's own SQLite offers; `node:sqlite` behind a few lines in tests. Bytes come back as `ArrayBuffer`. */
export type Sql = {
  exec(query: string, ...bindings: (string | number | Bytes)[]): { toArray(): SqlRow[] };
};
export type SqlRow = Readonly<Record<string, ArrayBuffer | string | number | null>>;

/** A pass that was used; a blob; the head of a bundle; a one-time blob of it. */
type Kind = 'pass' | 'mail' | 'head' | 'one-time';

export type KeptMail = { readonly id: string; readonly body: Bytes };

const COLUMNS = 'n INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, expires_ms INTEGER NOT NULL';

export class MailStore {
  readonly #sql: Sql;
  /** Whether the table is known to be there. An empty box has none: reading makes nothing. */
  #hasTable: boolean;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#hasTable = sql.exec(`SELECT 1 AS found FROM sqlite_master WHERE name = 'rows'`).toArray().length > 0;
  }

  get isUntouched(): boolean {
    return !this.#hasTable;
  }

  /** All that there was was deleted behind our back, with the table. */
  forget(): void {
    this.#hasTable = false;
  }

  /** Takes away what is over at `nowMs`. When the next of the rest ends; `undefined` where nothing is left. */
  sweep(nowMs: number): number | undefined {
    this.#run('DELETE FROM rows WHERE expires_ms <= ?', nowMs);
    const next = this.#run('SELECT MIN(expires_ms) AS next FROM rows')[0]?.['next'];
    return typeof next === 'number' ? next : undefined;
  }

  /** Whether something was put, or a call made, with the pass of this nonce. */
  isSpent(nonce: string): boolean {
    return this.#run(`SELECT 1 AS found FROM rows WHERE kind IN ('pass', 'mail') AND id = ?`, nonce).length > 0;
  }

  spend(nonce: string, expiresMs: number): void {
    this.#insert('pass', nonce, expiresMs, new Uint8Array());
  }

  mailTotals(): { readonly count: number; readonly bytes: number } {
    const row = this.#run(`SELECT COUNT(*) AS count, TOTAL(LENGTH(body)) AS bytes FROM rows WHERE kind = 'mail'`)[0];
    return { count: Number(row?.['count'] ?? 0), bytes: Number(row?.['bytes'] ?? 0) };
  }

  put(id: string, body: Bytes, expiresMs: number): void {
    this.#insert('mail', id, expiresMs, body);
  }

  /** Oldest first, from the one behind `after` on (from the first where that is not there); at most `max`. */
  list(after: string | undefined, max: number): KeptMail[] {
    const rows = this.#run(
      `SELECT id, body FROM rows WHERE kind = 'mail' AND n > COALESCE((SELECT n FROM rows WHERE kind = 'mail' AND id = ?), 0)
       ORDER BY n LIMIT ?`,
      after ?? '',
      max,
    );
    return rows.map((row) => ({ id: String(row['id']), body: bytesOf(row['body']) }));
  }

  /** The body goes at once; that its pass was used is remembered until that has ended for sure. */
  removeMail(id: string, passEndsMs: number): void {
    this.#run(
      `UPDATE rows SET kind = 'pass', body = x'', expires_ms = ? WHERE kind = 'mail' AND id = ?`,
      passEndsMs,
      id,
    );
  }

  removeAllMail(passEndsMs: number): void {
    this.#run(`UPDATE rows SET kind = 'pass', body = x'', expires_ms = ? WHERE kind = 'mail'`, passEndsMs);
  }

  publish(head: Bytes, oneTime: readonly Bytes[], expiresMs: number): void {
    this.removeBundle();
    this.#insert('head', '', expiresMs, head);
    for (const blob of oneTime) this.#insert('one-time', '', expiresMs, blob);
  }

  removeBundle(): void {
    this.#run(`DELETE FROM rows WHERE kind IN ('head', 'one-time')`);
  }

  head(): Bytes | undefined {
    const row = this.#run(`SELECT body FROM rows WHERE kind = 'head'`)[0];
    return row && bytesOf(row['body']);
  }

  /** The next one-time blob, gone from what is kept before anybody is told of it (as RL18). */
  takeOneTime(): Bytes | undefined {
    const row = this.#run(`SELECT n, body FROM rows WHERE kind = 'one-time' ORDER BY n LIMIT 1`)[0];
    if (!row) return undefined;
    this.#run('DELETE FROM rows WHERE n = ?', Number(row['n']));
    return bytesOf(row['body']);
  }

  #insert(kind: Kind, id: string, expiresMs: number, body: Bytes): void {
    if (!this.#hasTable) this.#sql.exec(`CREATE TABLE rows (${COLUMNS}, body BLOB NOT NULL)`);
    this.#hasTable = true;
    this.#run('INSERT INTO rows (kind, id, expires_ms, body) VALUES (?, ?, ?, ?)', kind, id, expiresMs, body);
  }

  #run(query: string, ...bindings: (string | number | Bytes)[]): SqlRow[] {
    return this.#hasTable ? this.#sql.exec(query, ...bindings).toArray() : [];
  }
}

function bytesOf(value: SqlRow[string] | undefined): Bytes {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array();
}
