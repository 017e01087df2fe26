/** What people can know about who is there: the vocabulary of the end-to-end tests on keys. Each runs in the page. */

type Code = { readonly emoji: readonly { readonly symbol: string }[]; readonly digits: string };
type Trusting = HTMLElement & {
  readonly participants: readonly {
    readonly peerId: string;
    readonly name: string;
    readonly encryption: string;
    readonly identity: { readonly kind: string; readonly standing: string; readonly deviceId: string } | undefined;
  }[];
  readonly encryption: {
    readonly roster: string;
    readonly isKeyAgreed: boolean;
    readonly mismatches: readonly unknown[];
  };
  readonly roomCode: Code | undefined;
  verify(peerId: string, isVerified?: boolean): void;
  safetyNumber(peerId: string): Promise<{ readonly digits: string } | undefined>;
  exportAuditLog(): string;
  rotateKey(): Promise<void>;
  revokeKey(): Promise<void>;
};

/** The room code as one text; `undefined` until all see the same people and have revealed their part. */
export function agreedCode(others: number): string | undefined {
  const room = document.querySelector<Trusting>('tai-room');
  const isAgreed =
    room?.participants.length === others &&
    room.participants.every(({ encryption }) => encryption === 'encrypted' || encryption === 'verified') &&
    room.encryption.roster === 'consistent';
  const code = isAgreed ? room.roomCode : undefined;
  return code && `${code.emoji.map(({ symbol }) => symbol).join(' ')} ${code.digits}`;
}

/** The one other's standing. */
export function standsAs(wanted: string): boolean {
  return document.querySelector<Trusting>('tai-room')?.participants[0]?.identity?.standing === wanted;
}

export function isEncryptedAs(wanted: string): boolean {
  return document.querySelector<Trusting>('tai-room')?.participants[0]?.encryption === wanted;
}

export function verifyOther(): void {
  const room = document.querySelector<Trusting>('tai-room');
  const [other] = room?.participants ?? [];
  if (other) room?.verify(other.peerId);
}

export async function safetyDigits(): Promise<string | undefined> {
  const room = document.querySelector<Trusting>('tai-room');
  const [other] = room?.participants ?? [];
  return other && (await room?.safetyNumber(other.peerId))?.digits;
}

export function deviceOfOther(): string | undefined {
  return document.querySelector<Trusting>('tai-room')?.participants[0]?.identity?.deviceId;
}

export function auditLog(): string {
  return document.querySelector<Trusting>('tai-room')?.exportAuditLog() ?? '';
}

export async function rotates(): Promise<void> {
  await document.querySelector<Trusting>('tai-room')?.rotateKey();
}

export async function revokes(): Promise<void> {
  await document.querySelector<Trusting>('tai-room')?.revokeKey();
}

/** From now on, for `partingReasons`. */
export function watchPartings(): void {
  const reasons: string[] = [];
  Object.assign(globalThis, { partingReasons: reasons });
  document
    .querySelector('tai-room')
    ?.addEventListener('tai-peer-leave', (event) => reasons.push((event as Event & { reason: string }).reason));
}

export function partingReasons(): readonly string[] {
  return (globalThis as { partingReasons?: readonly string[] }).partingReasons ?? [];
}

/** Whether this stands in a message or on a tile. */
export function isShownInRoom(wanted: string): boolean {
  const root = document.querySelector('tai-room')?.shadowRoot;
  const tiles = [...(root?.querySelectorAll('tai-participant') ?? [])].map(
    (tile) => tile.shadowRoot?.textContent ?? '',
  );
  return [root?.querySelector('.toasts')?.textContent ?? '', ...tiles].some((text) => text.includes(wanted));
}

/** Everything this origin keeps, as text, with what can be exported of the keys in it. */
export async function storedText(): Promise<{
  readonly text: string;
  readonly exported: number;
  readonly keys: number;
}> {
  const found: unknown[] = [];
  const keys: CryptoKey[] = [];
  const look = (value: unknown, depth = 0): void => {
    if (value instanceof CryptoKey) keys.push(value);
    else if (value instanceof Uint8Array)
      found.push(
        new TextDecoder('latin1').decode(value),
        [...value].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
      );
    else if (value instanceof Map) for (const pair of value) for (const each of pair) look(each, depth + 1);
    else if (typeof value === 'object' && value !== null && depth < 8) {
      for (const pair of Object.entries(value)) for (const each of pair) look(each, depth + 1);
    } else found.push(value);
  };
  for (const { name } of await indexedDB.databases()) {
    if (name === undefined) continue;
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name);
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(new Error('no database')));
    });
    for (const store of database.objectStoreNames) {
      const all = database.transaction(store).objectStore(store);
      const [values, names] = await Promise.all(
        [all.getAll(), all.getAllKeys()].map(
          (request) =>
            new Promise<unknown>((resolve) => request.addEventListener('success', () => resolve(request.result))),
        ),
      );
      look(values);
      look(names);
    }
    database.close();
  }
  let exported = 0;
  for (const key of keys.filter(({ type }) => type !== 'public')) {
    for (const format of ['pkcs8', 'jwk', 'raw'] as const) {
      await crypto.subtle.exportKey(format, key).then(
        () => exported++,
        () => undefined,
      );
    }
  }
  const text = [
    ...found,
    JSON.stringify({ ...localStorage }),
    JSON.stringify({ ...sessionStorage }),
    document.cookie,
  ].join('\n');
  return { text, exported, keys: keys.length };
}
