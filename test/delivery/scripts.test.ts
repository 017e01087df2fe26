/** The scripts, as somebody meets them: `npm start` from nothing to an answer and back, and sentences in place of traces. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AuditLog } from '../../src/engine/keys/audit-log.ts';
import { ROOT, ensureBuilt, runNode, scratchFolder } from './tools.ts';
import type { Outcome } from './tools.ts';

const START = join(ROOT, 'scripts/start.mjs');
const READY_DEADLINE_MS = 60_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
  const address = server.address();
  await new Promise((resolve) => void server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

describe('npm start', () => {
  it('serves relay, script and demo, says where in one line, and ends with Ctrl-C', async () => {
    await ensureBuilt();
    const port = await freePort();
    const child = spawn(process.execPath, [START], { cwd: ROOT, env: { ...process.env, PORT: String(port) } });
    let output = '';
    const ended = new Promise<number | null>((resolve) => void child.on('close', resolve));
    try {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`not ready: ${output}`)), READY_DEADLINE_MS);
        for (const stream of [child.stdout, child.stderr]) {
          stream.on('data', (chunk: Buffer) => {
            output += String(chunk);
            if (!output.includes('is ready')) return;
            clearTimeout(late);
            resolve();
          });
        }
      });
      const url = `http://localhost:${port}`;
      assert.equal(output, `tai-room is ready: open ${url} in two browsers (Ctrl-C stops it).\n`);

      const health = await fetch(`${url}/healthz`);
      const { deployment, ...said } = (await health.json()) as { readonly deployment?: unknown };
      assert.deepEqual(said, { ok: true, protocol: 'tai.1', mailbox: false, counters: false });
      assert.equal(typeof deployment, 'string');

      const script = await fetch(`${url}/tai.js`);
      assert.equal(await script.text(), readFileSync(join(ROOT, 'dist/tai.js'), 'utf8'));
      assert.match(script.headers.get('content-type') ?? '', /javascript/);
      assert.equal(script.headers.get('access-control-allow-origin'), '*');
      assert.equal(script.headers.get('cross-origin-resource-policy'), 'cross-origin');

      const demo = await fetch(`${url}/`);
      const html = await demo.text();
      assert.match(html, /<script type="module" src="\/tai\.js"\s*>/);
      assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=/, 'inline code or style, which the policy forbids');
      const policy = demo.headers.get('content-security-policy') ?? '';
      for (const part of [`default-src 'none'`, `script-src 'self'`, `require-trusted-types-for 'script'`]) {
        assert.ok(policy.includes(part), part);
      }
      assert.doesNotMatch(policy, /unsafe|\*/);
      assert.equal(demo.headers.get('referrer-policy'), 'no-referrer');
      assert.equal(demo.headers.get('x-content-type-options'), 'nosniff');

      const [chunk = ''] = Object.keys((await (await fetch(`${url}/sri.json`)).json()) as object).filter((path) =>
        path.startsWith('chunks/'),
      );
      const served = await fetch(`${url}/${chunk}`);
      assert.match(served.headers.get('cache-control') ?? '', /immutable/);
      assert.equal(served.headers.get('access-control-allow-origin'), '*');

      const modules = await fetch(`${url}/npm/index.js`);
      assert.equal(modules.status, 404, 'the npm modules are no part of the site');
    } finally {
      child.kill('SIGINT');
    }
    assert.equal(await ended, 0, output);
    await assert.rejects(fetch(`http://localhost:${port}/healthz`), 'something still listens');
  });

  it('says so where the port is taken', async () => {
    const server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => void server.listen(port, 'localhost', resolve));
    try {
      const { code, stderr } = await runNode([START], { env: { PORT: String(port) } });
      assert.deepEqual([code, stderr], [1, `Port ${port} is in use. Choose another: PORT=${port + 1} npm start\n`]);
    } finally {
      server.close();
    }
  });

  it('says so where PORT is no port', async () => {
    const { code, stderr } = await runNode([START], { env: { PORT: 'ninety' } });
    assert.equal(code, 1);
    assert.match(stderr, /^PORT must be a number from 1 to 65535/);
  });
});

describe('npm test and npm run bench', () => {
  for (const [title, args, sentence] of [
    ['a part that is none', ['scripts/test.mjs', 'everything'], /^Parts are verify, unit, components, e2e/],
    ['a bench that is none', ['scripts/bench.mjs', 'nothing', '--json'], /^There is no bench “nothing”/],
  ] as const) {
    it(`${title} is answered with a sentence and nothing on standard output`, async () => {
      const { code, stdout, stderr } = await runNode(args);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, sentence);
    });
  }
});

describe('setup', () => {
  const ask = (what: string): string =>
    `const { setup } = await import(${JSON.stringify(join(ROOT, 'scripts/setup.mjs'))}); console.log(JSON.stringify(setup(${what})));`;
  const node = (code: string, env: Readonly<Record<string, string | undefined>>) =>
    runNode(['--input-type=module', '-e', code], { env });

  it('takes the path that a variable gives, and nothing else when that is wrong', async () => {
    const right = await node(ask('{ coturn: true }'), { TURNSERVER_PATH: process.execPath });
    assert.deepEqual(JSON.parse(right.stdout), { coturn: process.execPath });
    const wrong = await node(ask('{ coturn: true }'), { TURNSERVER_PATH: '/nowhere/turnserver' });
    assert.deepEqual(
      [wrong.code, wrong.stderr],
      [1, 'TURNSERVER_PATH names /nowhere/turnserver, and there is no program there.\n'],
    );
  });

  it('says in one sentence what is missing', async () => {
    using folder = scratchFolder();
    const { code, stderr } = await node(ask('{ coturn: true }'), { PATH: folder.path, TURNSERVER_PATH: undefined });
    assert.equal(code, 1);
    assert.equal(stderr, 'coturn is needed and was not found: install it, or set TURNSERVER_PATH to its path.\n');
  });

  const isWindows = process.platform === 'win32';
  const linked = 'installs nothing through a link to the packages of another checkout, and says so';
  it(linked, { skip: isWindows && 'stands in for npm by a shell script' }, async () => {
    using folder = scratchFolder();
    const at = (...path: string[]): string => join(folder.path, ...path);
    for (const name of ['bin', 'checkout', 'checkout/scripts', 'others']) mkdirSync(at(name));
    writeFileSync(at('bin/npm'), `#!/bin/sh\necho "$*" >> ${at('log')}\n`);
    chmodSync(at('bin/npm'), 0o755);
    copyFileSync(join(ROOT, 'scripts/setup.mjs'), at('checkout/scripts/setup.mjs'));
    copyFileSync(join(ROOT, 'package-lock.json'), at('checkout/package-lock.json'));
    symlinkSync(at('others'), at('checkout/node_modules'));
    const { code, stdout, stderr } = await runNode([at('checkout/scripts/setup.mjs')], { env: { PATH: at('bin') } });
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^node_modules is a symbolic link to a folder that does not hold what [^\n]+\n$/);
    assert.equal(existsSync(at('log')), false, 'npm was called');
  });

  const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
  it('as root on Debian, lets apt-get install it, after an update', { skip: !isRoot }, async () => {
    using folder = scratchFolder();
    const log = join(folder.path, 'log');
    mkdirSync(join(folder.path, 'bin'));
    const aptGet = join(folder.path, 'bin/apt-get');
    const install = `/bin/ln -s ${process.execPath} ${join(folder.path, 'bin/turnserver')}`;
    writeFileSync(
      aptGet,
      `#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >> ${log}\n[ "$1" = install ] && ${install}\nexit 0\n`,
    );
    chmodSync(aptGet, 0o755);
    const { code, stdout, stderr } = await node(ask('{ coturn: true }'), {
      PATH: join(folder.path, 'bin'),
      TURNSERVER_PATH: undefined,
    });
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { coturn: join(folder.path, 'bin/turnserver') });
    assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n'), [
      'noninteractive update -qq',
      'noninteractive install -y -qq --no-install-recommends coturn',
    ]);
  });
});

describe('check-audit-log', () => {
  const SCRIPT = join(ROOT, 'scripts/check-audit-log.mjs');
  const log = new AuditLog();
  log.add('session-started', 1_795_251_600_000);
  log.add('roster-changed', 1_795_251_601_000, { epoch: 1 });
  log.add('session-ended', 1_795_251_602_000);
  const text = log.export();
  const check = async (written: string, flags: readonly string[] = []): Promise<Outcome> => {
    using folder = scratchFolder();
    const file = join(folder.path, 'log.jsonl');
    writeFileSync(file, written);
    return await runNode([...flags, SCRIPT, file]);
  };

  it('says what it finds, and by its exit code too', async () => {
    assert.deepEqual(await check(text), { code: 0, stdout: 'intact\n', stderr: '' });
    assert.deepEqual(await check(''), { code: 1, stdout: 'unreadable\n', stderr: '' });
    const changed = text.replace('1795251601000', '1795251601001');
    assert.deepEqual(await check(changed), { code: 1, stdout: '{ brokenAt: 1 }\n', stderr: '' });
  });

  it('does so where the Node that starts it reads no TypeScript', async () => {
    const old = ['--no-experimental-strip-types'];
    assert.deepEqual(await check(text, old), { code: 0, stdout: 'intact\n', stderr: '' });
    assert.equal((await check('', old)).code, 1);
  });

  it('wants one file, that is there', async () => {
    for (const args of [[], ['a', 'b']])
      assert.match((await runNode([SCRIPT, ...args])).stderr, /^Name one file: .*\n$/);
    const { code, stderr } = await runNode([SCRIPT, '/nowhere/log.jsonl']);
    assert.deepEqual([code, stderr], [1, '/nowhere/log.jsonl cannot be read.\n']);
  });
});
