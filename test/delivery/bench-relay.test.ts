/** What `bench relay` claims from its samples, and that its wide limits are ours but for their numbers. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { textFrame } from '../../bench/relay/raw-socket.ts';
import { goalsOf, rowsOf } from '../../bench/relay/result.ts';
import { REPOSITORY, writeWorkerdConfig } from '../helpers/workerd-config.ts';

const fanOut = { delivered: 1, out_per_s: 10_000, p50_ms: 0.3, p99_ms: 1.5 };

function messages(cpu_us: number, messages_per_s: number) {
  return { messages_per_s, cpu_us, relayShare: 1, loadShare: 0.5, calm: fanOut, busy: fanOut };
}

function entry(socket_kB: number) {
  return { connects_per_s: 1000, connect_us: 500, socket_kB };
}

describe('bench relay', () => {
  const entries = new Map([
    ['tai-room', [entry(110)]],
    ['floor', [entry(100)]],
    ['partyserver', [entry(120)]],
  ]);
  const samples = new Map([
    ['tai-room', [messages(44, 20_000), messages(90, 10_000), messages(66, 15_000)]],
    ['floor', [messages(40, 22_000), messages(80, 11_000), messages(50, 20_000)]],
    ['partyserver', [messages(50, 18_000), messages(99, 9_000), messages(70, 14_000)]],
  ]);

  it('takes ratios within rounds, and their median', () => {
    const values = new Map(goalsOf(entries, samples).map(({ name, value, met }) => [name, [value, met]]));
    assert.deepEqual(values.get('CPU a message / floor'), [1.125, true]);
    assert.deepEqual(values.get('messages/s / floor'), [0.909, true]);
    assert.deepEqual(values.get('messages/s / partyserver'), [1.111, true]);
    assert.deepEqual(values.get('memory a socket / floor'), [1.1, true]);
    assert.equal([...values.values()].filter(([, met]) => met !== true).length, 0);
  });

  it('does not meet a goal against a contender that was not measured', () => {
    const alone = new Map([...samples].filter(([name]) => name !== 'floor'));
    const missed = goalsOf(entries, alone).filter(({ met }) => !met);
    assert.deepEqual(
      missed.map(({ name }) => name),
      ['CPU a message / floor', 'messages/s / floor'],
    );
  });

  it('counts a lost message of any round against us', () => {
    const lossy = new Map(samples).set('tai-room', [
      messages(44, 20_000),
      { ...messages(44, 20_000), busy: { ...fanOut, delivered: 0.999 } },
      messages(44, 20_000),
    ]);
    assert.deepEqual(goalsOf(entries, lossy).find(({ name }) => name.includes('delivered'))?.met, false);
    assert.equal(rowsOf(entries, lossy).find(({ contender }) => contender === 'tai-room')?.['delivered'], 0.999);
  });

  it('frames a text as RFC 6455 §5.2 has it, masked with zeros', () => {
    assert.deepEqual([...textFrame('ping')], [0x81, 0x84, 0, 0, 0, 0, ...Buffer.from('ping')]);
    const long = textFrame('x'.repeat(2048));
    assert.deepEqual([...long.subarray(0, 9)], [0x81, 0xfe, 0x08, 0x00, 0, 0, 0, 0, 0x78]);
  });

  it('has other numbers in the limits that it names, and fails for a name that is none', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tai-limits-'));
    const options = {
      repository: REPOSITORY,
      directory,
      address: '127.0.0.1:1',
      assets: directory,
      vars: {},
      stateDirectory: join(directory, 'state'),
    };
    try {
      await writeWorkerdConfig({ ...options, variant: { limits: { SOCKET_MESSAGES_PER_S: 123_456 } } });
      const bundle = await readFile(join(directory, 'relay.js'), 'utf8');
      assert.match(bundle, /SOCKET_MESSAGES_PER_S = 123456;/);
      assert.match(bundle, /SOCKET_MESSAGES_BURST = 150;/);
      const typo = writeWorkerdConfig({ ...options, variant: { limits: { SOCKET_MESAGES_PER_S: 1 } } });
      await assert.rejects(typo, /limits\.ts has no SOCKET_MESAGES_PER_S/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
