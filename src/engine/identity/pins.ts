/**
 * Whom this device has met before, and whom somebody has compared codes with: trust on first use, or verified.
 *
 * A name in a room is pinned to the device that first came under it; guests have no keys that come back, so that they pin
 * nothing. A name that is pinned to another device is `changed`, even where the newcomer is verified: people look at the
 * name. A device that was verified is so under every name that is free, in every room.
 * Nothing at rest says who was met where: names, rooms and devices are HMAC-SHA-256 under a key that was made here and
 * cannot be extracted. Whoever can run a script in this page can still ask about names that he knows.
 * Bounded: what strangers can fill pushes out what strangers have filled, before anything that was verified.
 */
import type { Certificate } from '../crypto/certificate.ts';
import { asciiBytes, concatBytes, toHex } from '../protocol/bytes.ts';
import type { Bytes } from '../protocol/bytes.ts';
import { idBytes } from '../protocol/ids.ts';
import type { RoomId } from '../protocol/ids.ts';
import { NO_MARK, createTable, evict, parseTable } from './pin-table.ts';
import type { PinTable } from './pin-table.ts';
import type { Records } from './records.ts';

/**
 * - `new`: not met before under this name.
 * - `known`: the device that this name is pinned to.
 * - `verified`: and somebody has compared codes with it.
 * - `changed`: the name is pinned to another device, or the device's keys are revoked.
 */
export type PinStatus = 'new' | 'known' | 'verified' | 'changed';

type Peer = Pick<Certificate, 'kind' | 'deviceId'>;

export type Pins = {
  /** `name`: as it is shown. Without a name (empty) nobody is known, but whoever was verified. */
  look(roomId: RoomId, name: string, peer: Peer): Promise<PinStatus>;
  /**
   * Pins the name to this device at first use, and says what `look` would have said before. A name that is pinned to
   * another device is given over to a verified one only, and stays with the verified ones it had.
   */
  pin(roomId: RoomId, name: string, peer: Peer): Promise<PinStatus>;
  /** Somebody has compared codes with this device, or takes that back. Revoked keys are never verified. */
  setVerified(deviceId: Bytes, isVerified: boolean): Promise<void>;
  isVerified(deviceId: Bytes): Promise<boolean>;
  /**
   * Everything that is known of a device goes over to the keys that it has rotated to (statement.ts). `false`, and
   * nothing is moved: one of the two is revoked, or has rotated to other keys before.
   */
  moveTo(from: Bytes, to: Bytes): Promise<boolean>;
  /** For good. The keys that it has rotated to lose their verification: two people have held what was one person's. */
  markRevoked(deviceId: Bytes): Promise<void>;
  isRevoked(deviceId: Bytes): Promise<boolean>;
  /** Removes all of it, the HMAC key too. */
  forget(): Promise<void>;
};

const RECORD = 'pins';
/** One person's phone and laptop under one name; more are unlikely, and a bound has to be. */
const DEVICES_PER_NAME_MAX = 4;
const NAME_LABEL = asciiBytes('tai/1 pin name');
const DEVICE_LABEL = asciiBytes('tai/1 pin device');

export function createPins(records: Records): Pins {
  return new RecordedPins(records);
}

class RecordedPins implements Pins {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  async look(roomId: RoomId, name: string, peer: Peer): Promise<PinStatus> {
    const table = await this.#read();
    if (!table) return 'new';
    const [nameMac, device] = await Promise.all([macOfName(table, roomId, name), macOfDevice(table, peer.deviceId)]);
    return standing(table, nameMac, device);
  }

  pin(roomId: RoomId, name: string, peer: Peer): Promise<PinStatus> {
    return this.#change(
      'new',
      (table) => Promise.all([macOfName(table, roomId, name), macOfDevice(table, peer.deviceId)]),
      (table, [nameMac, device]) => {
        const before = standing(table, nameMac, device);
        const mark = table.devices.get(device) ?? NO_MARK;
        if (nameMac === undefined || peer.kind === 'guest') return before;
        // revoked keys among them, which are never verified
        if (before === 'changed' && !mark.isVerified) return before;
        const pinned = table.names.get(nameMac) ?? [];
        const others = pinned.filter((each) => each !== device);
        const kept = before === 'changed' ? others.filter((each) => table.devices.get(each)?.isVerified) : others;
        // put last: what was met last is forgotten last
        table.names.delete(nameMac);
        table.names.set(nameMac, [...kept, device].slice(-DEVICES_PER_NAME_MAX));
        return before;
      },
    );
  }

  setVerified(deviceId: Bytes, isVerified: boolean): Promise<void> {
    return this.#changeDevice(deviceId, (table, device) => {
      const mark = table.devices.get(device) ?? NO_MARK;
      if (!mark.isRevoked && mark.isVerified !== isVerified) table.devices.set(device, { ...mark, isVerified });
    });
  }

  async isVerified(deviceId: Bytes): Promise<boolean> {
    const table = await this.#read();
    return table?.devices.get(await macOfDevice(table, deviceId))?.isVerified ?? false;
  }

  moveTo(from: Bytes, to: Bytes): Promise<boolean> {
    return this.#change(
      false,
      (table) => Promise.all([macOfDevice(table, from), macOfDevice(table, to)]),
      (table, [old, next]) => {
        const oldMark = table.devices.get(old) ?? NO_MARK;
        const nextMark = table.devices.get(next) ?? NO_MARK;
        if (oldMark.isRevoked || nextMark.isRevoked || nextMark.movedTo !== undefined || old === next) return false;
        if (oldMark.movedTo !== undefined) return oldMark.movedTo === next;
        const names = [...table.names].filter(([, devices]) => devices.includes(old));
        // of strangers there is nothing to move, and nothing to remember
        if (names.length === 0 && !oldMark.isVerified) return true;
        for (const [nameMac, devices] of names) {
          const moved = devices.map((each) => (each === old ? next : each));
          table.names.set(nameMac, [...new Set(moved)]);
        }
        table.devices.set(old, { ...NO_MARK, movedTo: next });
        table.devices.set(next, { ...nextMark, isVerified: oldMark.isVerified || nextMark.isVerified });
        return true;
      },
    );
  }

  markRevoked(deviceId: Bytes): Promise<void> {
    return this.#changeDevice(deviceId, (table, device) => {
      const revoked = table.devices.get(device) ?? NO_MARK;
      const past = revoked.isVerified ? ({ wasVerified: true } as const) : {};
      table.devices.set(device, { ...revoked, ...past, isVerified: false, isRevoked: true });
      // ends: keys that were given up are never moved to (moveTo)
      let next = table.devices.get(device)?.movedTo;
      while (next !== undefined) {
        const mark = table.devices.get(next) ?? NO_MARK;
        table.devices.set(next, { ...mark, isVerified: false });
        next = mark.movedTo;
      }
    });
  }

  async isRevoked(deviceId: Bytes): Promise<boolean> {
    const table = await this.#read();
    return table?.devices.get(await macOfDevice(table, deviceId))?.isRevoked ?? false;
  }

  forget(): Promise<void> {
    return this.#records.update(RECORD, () => undefined);
  }

  async #read(): Promise<PinTable | undefined> {
    return parseTable(await this.#records.read(RECORD));
  }

  #changeDevice(deviceId: Bytes, change: (table: PinTable, device: string) => void): Promise<void> {
    return this.#change(undefined, (table) => macOfDevice(table, deviceId), change);
  }

  /**
   * `prepare` computes what needs the table's key; `change` then writes into a copy, in one transaction with reading it.
   * A table that somebody else has forgotten in between stays forgotten: the result is then `otherwise`.
   */
  async #change<Macs, Result>(
    otherwise: Result,
    prepare: (table: PinTable) => Promise<Macs>,
    change: (table: PinTable, macs: Macs) => Result,
  ): Promise<Result> {
    const known = (await this.#read()) ?? (await this.#create());
    const macs = await prepare(known);
    let result = otherwise;
    await this.#records.update(RECORD, (value) => {
      const table = parseTable(value);
      if (table?.id !== known.id) return value;
      result = change(table, macs);
      evict(table);
      return table;
    });
    return result;
  }

  async #create(): Promise<PinTable> {
    let table = await createTable();
    await this.#records.update(RECORD, (value) => (table = parseTable(value) ?? table));
    return table;
  }
}

function standing(table: PinTable, nameMac: string | undefined, device: string): PinStatus {
  const mark = table.devices.get(device) ?? NO_MARK;
  const pinned = nameMac === undefined ? undefined : table.names.get(nameMac);
  if (mark.isRevoked || (pinned && !pinned.includes(device))) return 'changed';
  if (mark.isVerified) return 'verified';
  return pinned ? 'known' : 'new';
}

/** `undefined` for nobody's name. Spellings that look alike to many people count as one: "Ada", "ADA", "Ａｄａ". */
async function macOfName(table: PinTable, roomId: RoomId, name: string): Promise<string | undefined> {
  const plain = name.normalize('NFKC').toLowerCase().trim();
  if (plain === '') return undefined;
  return mac(table, concatBytes(NAME_LABEL, idBytes(roomId), Uint8Array.of(0), new TextEncoder().encode(plain)));
}

function macOfDevice(table: PinTable, deviceId: Bytes): Promise<string> {
  return mac(table, concatBytes(DEVICE_LABEL, deviceId));
}

async function mac({ key }: PinTable, bytes: Bytes): Promise<string> {
  return toHex(new Uint8Array(await globalThis.crypto.subtle.sign('HMAC', key, bytes)));
}
