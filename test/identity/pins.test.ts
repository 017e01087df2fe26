import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PINS_MAX, createTable, evict, parseTable } from '../../src/engine/identity/pin-table.ts';
import type { PinTable } from '../../src/engine/identity/pin-table.ts';
import { createPins } from '../../src/engine/identity/pins.ts';
import { KeptRecords } from '../../src/engine/identity/kept-records.ts';
import { MemoryRecords } from '../../src/engine/identity/records.ts';
import { ROOM } from '../helpers/samples.ts';
import { FakeStore } from './fake-store.ts';
import { ADA, deviceNumber, pinsContract } from './pins-contract.ts';

describe('pins in memory', () => {
  pinsContract(it, () => createPins(new MemoryRecords()));
});

describe('pins in storage', () => {
  pinsContract(it, () => createPins(new KeptRecords(new FakeStore().use)));

  it('are there at the next visit', async () => {
    const store = new FakeStore();
    await createPins(new KeptRecords(store.use)).pin(ROOM, 'Ada', ADA);
    assert.equal(await createPins(new KeptRecords(store.use)).look(ROOM, 'Ada', ADA), 'known');
  });

  it('hold nothing that says who was met where', async () => {
    const store = new FakeStore();
    const pins = createPins(new KeptRecords(store.use));
    await pins.pin(ROOM, 'Ada', ADA);
    await pins.setVerified(ADA.deviceId, true);
    const table = parseTable(store.values.get('pins'));
    assert.ok(table);
    assert.deepEqual([table.key.extractable, table.key.usages], [false, ['sign']]);
    const mac = /^[0-9a-f]{64}$/;
    const strings = [...table.names.keys(), ...[...table.names.values()].flat(), ...table.devices.keys()];
    assert.equal(strings.length, 3);
    for (const each of strings) assert.match(each, mac);
    assert.deepEqual([...table.devices.values()], [{ isVerified: true, isRevoked: false }]);
    const ids = [ROOM.slice(2), Buffer.from(ADA.deviceId).toString('hex')];
    assert.ok(!strings.some((each) => ids.includes(each)));
  });

  it('have other strings in every browser, for the same people', async () => {
    const tables = await Promise.all(
      [1, 2].map(async () => {
        const store = new FakeStore();
        await createPins(new KeptRecords(store.use)).pin(ROOM, 'Ada', ADA);
        return parseTable(store.values.get('pins'));
      }),
    );
    assert.notDeepEqual([...tables[0]!.names], [...tables[1]!.names]);
    assert.notEqual(tables[0]!.id, tables[1]!.id);
  });

  it('that are forgotten in another tab while we write stay forgotten', async () => {
    const store = new FakeStore();
    const pins = createPins(new KeptRecords(store.use));
    for (const left of [undefined, await createTable()]) {
      await pins.pin(ROOM, 'Ada', ADA);
      store.beforeWrite = () => store.values.set('pins', left);
      await pins.setVerified(ADA.deviceId, true);
      assert.equal(store.beforeWrite, undefined, 'nothing was written');
      assert.equal(await pins.isVerified(ADA.deviceId), false);
      assert.deepEqual(parseTable(store.values.get('pins')), left);
    }
  });

  it('begin anew where what is stored is of another version or damaged', async () => {
    const good = await createTable();
    for (const damaged of [
      'text',
      { ...good, version: 2 },
      { ...good, id: 7 },
      { ...good, key: 'text' },
      { ...good, names: {} },
      { ...good, devices: [] },
    ]) {
      const records = new MemoryRecords();
      await records.update('pins', () => damaged);
      const pins = createPins(records);
      assert.equal(await pins.look(ROOM, 'Ada', ADA), 'new');
      await pins.pin(ROOM, 'Ada', ADA);
      assert.equal(await pins.look(ROOM, 'Ada', ADA), 'known');
    }
  });

  it('leave out single entries that are damaged', async () => {
    const good = await createTable();
    const entries: readonly (readonly [unknown, unknown])[] = [
      ['a', ['b', 7]],
      ['c', 'd'],
      [7, ['e']],
      ['f', ['g']],
    ];
    const marks: readonly (readonly [unknown, unknown])[] = [
      ['a', null],
      ['b', { isVerified: 1, isRevoked: false }],
      ['c', { isVerified: true }],
      ['d', { isVerified: true, isRevoked: false, movedTo: 7 }],
      ['e', { isVerified: false, isRevoked: true, movedTo: 'f' }],
    ];
    const table = parseTable({ ...good, names: new Map(entries), devices: new Map(marks) });
    assert.deepEqual([...table!.names], [['f', ['g']]]);
    assert.deepEqual(
      [...table!.devices],
      [
        ['d', { isVerified: true, isRevoked: false }],
        ['e', { isVerified: false, isRevoked: true, movedTo: 'f' }],
      ],
    );
  });
});

it('a name whose two devices have become one has one', async () => {
  const records = new MemoryRecords();
  const pins = createPins(records);
  const heir = deviceNumber(7);
  for (const peer of [ADA, heir]) {
    await pins.setVerified(peer.deviceId, true);
    await pins.pin(ROOM, 'Ada', peer);
  }
  const devicesOfAda = async (): Promise<number | undefined> =>
    [...(parseTable(await records.read('pins'))?.names.values() ?? [])][0]?.length;
  assert.equal(await devicesOfAda(), 2);
  await pins.moveTo(ADA.deviceId, heir.deviceId);
  assert.equal(await devicesOfAda(), 1);
});

it('keys that are revoked after they were given up may have an heir that was forgotten since', async () => {
  const records = new MemoryRecords();
  const pins = createPins(records);
  const heir = deviceNumber(7);
  await pins.setVerified(ADA.deviceId, true);
  await pins.moveTo(ADA.deviceId, heir.deviceId);
  await records.update('pins', (value) => {
    const table = parseTable(value);
    for (const [device, mark] of table?.devices ?? []) if (mark.isVerified) table?.devices.delete(device);
    return table;
  });
  await pins.markRevoked(ADA.deviceId);
  assert.deepEqual([await pins.isRevoked(ADA.deviceId), await pins.isRevoked(heir.deviceId)], [true, false]);
});

describe('pins beyond their bound', () => {
  const VERIFIED = { isVerified: true, isRevoked: false };
  const REVOKED = { isVerified: false, isRevoked: true };

  async function tableOf(fill: (table: PinTable) => void): Promise<PinTable> {
    const table = await createTable();
    fill(table);
    evict(table);
    return table;
  }

  it('forget the oldest names first', async () => {
    const table = await tableOf(({ names }) => {
      for (let i = 0; i < PINS_MAX + 3; i++) names.set(`name ${i}`, [`device ${i}`]);
    });
    assert.equal(table.names.size, PINS_MAX);
    assert.deepEqual([...table.names.keys()].slice(0, 1), ['name 3']);
  });

  it('forget strangers before anybody who was verified', async () => {
    const table = await tableOf(({ names, devices }) => {
      names.set('friend', ['device']);
      devices.set('device', VERIFIED);
      for (let i = 0; i < 2 * PINS_MAX; i++) names.set(`flood ${i}`, [`flood ${i}`]);
    });
    assert.equal(table.names.size, PINS_MAX);
    assert.ok(table.names.has('friend'));
  });

  it('forget revoked strangers before devices that were verified, pinned, or rotated', async () => {
    const table = await tableOf(({ names, devices }) => {
      devices.set('verified', VERIFIED);
      names.set('a name', ['pinned']);
      devices.set('pinned', REVOKED);
      devices.set('rotated', { isVerified: false, isRevoked: false, movedTo: 'verified' });
      for (let i = 0; i < 2 * PINS_MAX; i++) devices.set(`flood ${i}`, REVOKED);
    });
    assert.equal(table.devices.size, PINS_MAX);
    assert.deepEqual([...table.devices.keys()].slice(0, 3), ['verified', 'pinned', 'rotated']);
    assert.ok(table.devices.has(`flood ${2 * PINS_MAX - 1}`));
  });

  it('forget the oldest verified ones, where there is nothing else', async () => {
    const table = await tableOf(({ devices }) => {
      for (let i = 0; i < PINS_MAX + 2; i++) devices.set(`device ${i}`, VERIFIED);
    });
    assert.equal(table.devices.size, PINS_MAX);
    assert.ok(!table.devices.has('device 1') && table.devices.has('device 2'));
  });

  it('never forget what was pinned just now', async () => {
    const table = await tableOf(({ names, devices }) => {
      for (let i = 0; i < PINS_MAX; i++) {
        names.set(`friend ${i}`, [`device ${i}`]);
        devices.set(`device ${i}`, VERIFIED);
      }
      names.set('newest', ['stranger']);
      devices.set('newest', REVOKED);
    });
    assert.deepEqual([table.names.size, table.devices.size], [PINS_MAX, PINS_MAX]);
    assert.ok(table.names.has('newest') && table.devices.has('newest'));
    assert.ok(!table.names.has('friend 0') && table.names.has('friend 1'));
  });

  it('are bounded by every change; who was met again is not the oldest', async () => {
    const records = new MemoryRecords();
    const pins = createPins(records);
    await pins.pin(ROOM, 'Ada', ADA);
    await records.update('pins', (value) => {
      const table = parseTable(value);
      for (let i = 0; i < PINS_MAX - 1; i++) table?.names.set(`name ${i}`, ['device']);
      return table;
    });
    await pins.pin(ROOM, 'Ada', ADA);
    await pins.pin(ROOM, 'Bob', deviceNumber(7));
    const table = parseTable(await records.read('pins'));
    assert.equal(table?.names.size, PINS_MAX);
    assert.ok(!table?.names.has('name 0') && table?.names.has('name 1'));
    assert.equal(await pins.look(ROOM, 'Ada', ADA), 'known');
  });
});
