/** That the lab's network is what it says: its routers, its weather, and its end. */
import { strict as assert } from 'node:assert';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../helpers/eventually.ts';
import { describeInLab } from './describe-in-lab.ts';
import { end, readiness } from './namespace.ts';
import { SERVER_ADDRESS, makeNetwork } from './network.ts';
import type { Network, Side } from './network.ts';

const PORTS = ['5001', '5002', '5003'];
/** An answer is there in milliseconds, or never. */
const WAIT_MS = 10_000;
const IN_VAIN_MS = 1_000;

type Answer = { readonly seen: string; readonly after_ms: number } | null;

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
const run = promisify(execFile);

describeInLab('the network of the lab', () => {
  let network: Network;
  let mirror: ChildProcess;
  before(async () => {
    network = await makeNetwork();
    const [command = '', ...enter] = network.server.enter;
    mirror = spawn(command, [...enter, process.execPath, program('mirror'), SERVER_ADDRESS, ...PORTS], {
      stdio: 'pipe',
    });
    await readiness(mirror, 'a mirror');
  });
  after(async () => {
    if (mirror) await end(mirror);
    await network?.remove();
  });

  async function look(side: Side, wait_ms = WAIT_MS): Promise<readonly Answer[]> {
    const [command = '', ...enter] = network.hosts[side].enter;
    const words = [...enter, process.execPath, program('look'), String(wait_ms), SERVER_ADDRESS, ...PORTS];
    const { stdout } = await run(command, words);
    return JSON.parse(stdout) as readonly Answer[];
  }

  it('a cone has one outer port for all, each side an address of its own', async () => {
    for (const [side, address] of [
      ['a', '203.0.113.1:'],
      ['b', '203.0.113.2:'],
    ] as const) {
      network.setNat(side, 'cone');
      const seen = (await look(side)).map((answer) => answer?.seen ?? 'nothing');
      assert.equal(new Set(seen).size, 1, seen.join());
      assert.ok(seen[0]?.startsWith(address), seen.join());
    }
  });

  it('a symmetric router has another for each', async () => {
    network.setNat('a', 'symmetric');
    const seen = (await look('a')).map((answer) => answer?.seen ?? 'nothing');
    assert.ok(!seen.includes('nothing'));
    assert.ok(new Set(seen).size > 1, seen.join());
  });

  it('behind a firewall no UDP comes through, and after it again', async () => {
    network.setNat('a', 'noudp');
    assert.deepEqual(await look('a', IN_VAIN_MS), [null, null, null]);
    network.setNat('a', 'cone');
    assert.ok((await look('a')).every((answer) => answer !== null));
  });

  it('weather delays each way, on that side alone; without it, it is over', async () => {
    // far from what a busy machine adds of its own
    const delay_ms = 1_500;
    await network.setWeather('b', { delay_ms });
    const [late, early] = await Promise.all([look('b'), look('a')]);
    assert.ok(late.every((answer) => answer !== null && answer.after_ms >= 2 * delay_ms));
    assert.ok(early.every((answer) => answer !== null && answer.after_ms < 2 * delay_ms));
    await network.setWeather('b');
    assert.ok((await look('b')).every((answer) => answer !== null && answer.after_ms < 2 * delay_ms));
  });

  it('weather loses what it is told to', async () => {
    await network.setWeather('b', { loss: 1 });
    assert.deepEqual(await look('b', IN_VAIN_MS), [null, null, null]);
    await network.setWeather('b');
    assert.ok((await look('b')).every((answer) => answer !== null));
  });

  it('is gone when the process that made it was killed', async () => {
    const child = spawn(process.execPath, [program('short-lived')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const text = await new Promise<string>((resolve) =>
      child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk))),
    );
    const holders = JSON.parse(text) as readonly number[];
    assert.ok(holders.length === 3 && holders.every((pid) => existsSync(`/proc/${pid}/ns/net`)));
    child.kill('SIGKILL');
    await eventually('the end of what held it', () => holders.every((pid) => !existsSync(`/proc/${pid}/ns/net`)));
  });
});
