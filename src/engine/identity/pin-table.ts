/** The one record that holds all pins, as it lies in storage: a structured clone with Maps and a CryptoKey in it. */
import { toHex } from '../protocol/bytes.ts';
import { isRecord } from '../protocol/json.ts';

/** Of each kind: about 300 kB of storage. */
export const PINS_MAX = 2_000;
const VERSION = 1;
const ID_BYTES = 16;

export type DeviceMark = {
  readonly isVerified: boolean;
  readonly isRevoked: boolean;
  /** It was verified when its keys were revoked: strangers must not be able to have that forgotten. */
  readonly wasVerified?: true;
  /** The device that it has rotated to. */
  readonly movedTo?: string;
};

export type PinTable = {
  /** Random: a table that was forgotten and begun again has another. */
  readonly id: string;
  /** HMAC-SHA-256, not extractable. All strings below are MACs under it, in hexadecimal. */
  readonly key: CryptoKey;
  /** Name in a room → its devices; in the order in which they were last pinned. */
  readonly names: Map<string, readonly string[]>;
  readonly devices: Map<string, DeviceMark>;
};

export const NO_MARK: DeviceMark = { isVerified: false, isRevoked: false };

export async function createTable(): Promise<PinTable> {
  const { crypto } = globalThis;
  const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign']);
  const id = toHex(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
  return storedTable({ id, key, names: new Map(), devices: new Map() });
}

/** A copy, to be written into. `undefined`: nothing there, or nothing that was written by this version. */
export function parseTable(value: unknown): PinTable | undefined {
  if (!isRecord(value) || value['version'] !== VERSION) return undefined;
  const { id, key, names, devices } = value;
  if (typeof id !== 'string' || !(key instanceof CryptoKey)) return undefined;
  if (!(names instanceof Map) || !(devices instanceof Map)) return undefined;
  return storedTable({ id, key, names: copy(names, parseDevices), devices: copy(devices, parseMark) });
}

/** Down to the bound: the oldest first, all that nobody has verified or pinned before any that somebody has, never the newest. */
export function evict({ names, devices }: PinTable): void {
  shrink(names, (pinned) => pinned.some((device) => devices.get(device)?.isVerified));
  const pinned = new Set([...names.values()].flat());
  shrink(devices, (mark, device) => mark.isVerified || isRemembered(mark) || pinned.has(device));
}

function isRemembered({ wasVerified, movedTo }: DeviceMark): boolean {
  return wasVerified === true || movedTo !== undefined;
}

function shrink<T>(map: Map<string, T>, isPrecious: (value: T, key: string) => boolean): void {
  if (map.size <= PINS_MAX) return;
  const old = [...map].slice(0, -1);
  const strangers = old.filter(([key, value]) => !isPrecious(value, key));
  const others = old.filter(([key, value]) => isPrecious(value, key));
  for (const [key] of [...strangers, ...others].slice(0, map.size - PINS_MAX)) map.delete(key);
}

/** The version goes into storage with the rest. */
function storedTable(table: PinTable): PinTable & { readonly version: number } {
  return { version: VERSION, ...table };
}

function copy<T>(map: ReadonlyMap<unknown, unknown>, parse: (value: unknown) => T | undefined): Map<string, T> {
  const copied = new Map<string, T>();
  for (const [key, value] of map) {
    const parsed = parse(value);
    if (typeof key === 'string' && parsed !== undefined) copied.set(key, parsed);
  }
  return copied;
}

function parseDevices(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined;
}

function parseMark(value: unknown): DeviceMark | undefined {
  if (!isRecord(value)) return undefined;
  const { isVerified, isRevoked, wasVerified, movedTo } = value;
  if (typeof isVerified !== 'boolean' || typeof isRevoked !== 'boolean') return undefined;
  const past = wasVerified === true ? ({ wasVerified: true } as const) : {};
  return { isVerified, isRevoked, ...past, ...(typeof movedTo === 'string' && { movedTo }) };
}
