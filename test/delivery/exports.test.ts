/** What `npm install tai-room` gives: every entry resolves, imports in Node without a browser, and has types. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT, ensureBuilt, run, runNode } from './tools.ts';

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const ENTRIES = ['.', './define', './engine', './e2ee', './worker', './custom-elements.json', './package.json'];

const CONSUMER = `
import { TaiRoom, TaiError } from 'tai-room';
import type { ErrorCode } from 'tai-room';
import 'tai-room/define';
import 'tai-room/worker';
import { createSession } from 'tai-room/engine';
import type { Session } from 'tai-room/engine';
import { WebRTCE2EE } from 'tai-room/e2ee';
import type { E2eeEncryptedMessage, WebRTCE2EEOptions } from 'tai-room/e2ee';

export const room: TaiRoom = document.createElement('tai-room');
export const code: ErrorCode = new TaiError('usage', 'x').code;
export const open: typeof createSession = createSession;
export const leave = (session: Session): void => session.dispatch({ type: 'leave' });
export const agree = (options: WebRTCE2EEOptions): WebRTCE2EE => new WebRTCE2EE('support', 'ada', options);
export const seal = (e2ee: WebRTCE2EE): Promise<E2eeEncryptedMessage> => e2ee.encrypt('hello');
room.addEventListener('tai-error', (event) => console.log(event.code));
// @ts-expect-error: there is no such command
export const wrong = (session: Session): void => session.dispatch({ type: 'explode' });
// @ts-expect-error: there is no such code
export const noCode: ErrorCode = 'nonsense';
`;

describe('the packed package', () => {
  let project = '';
  before(async () => {
    await ensureBuilt();
    // Inside the checkout, so that the dependencies are found where they are.
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    project = mkdtempSync(join(ROOT, '.cache/consumer-'));
    const place = join(project, 'node_modules/tai-room');
    mkdirSync(place, { recursive: true });
    const packed = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', project]);
    assert.equal(packed.code, 0, packed.stderr);
    const archive = join(project, packed.stdout.trim().split('\n').at(-1) ?? '');
    const unpacked = await run('tar', ['-xzf', archive, '-C', place, '--strip-components=1']);
    assert.equal(unpacked.code, 0, unpacked.stderr);
    writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  });
  after(() => rmSync(project, { recursive: true, force: true }));

  const inNode = async (code: string): Promise<string> => {
    const { code: exit, stdout, stderr } = await runNode(['--input-type=module', '-e', code], { cwd: project });
    assert.equal(exit, 0, stderr);
    return stdout.trim();
  };

  it('has exactly the entries that are documented', () => {
    const { exports } = JSON.parse(readFileSync(join(project, 'node_modules/tai-room/package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    assert.deepEqual(Object.keys(exports), ENTRIES);
  });

  for (const entry of ENTRIES) {
    const name = `tai-room${entry.slice(1)}`;
    const attributes = entry.endsWith('.json') ? `, { with: { type: 'json' } }` : '';
    it(`${name} is imported in Node without a browser`, async () => {
      assert.equal(await inNode(`await import('${name}'${attributes}); console.log('in');`), 'in');
    });
  }

  it('gives classes from “.” and registers none; “./define” registers every one', async () => {
    const elements = ['tai-controls', 'tai-invite', 'tai-lobby', 'tai-participant', 'tai-privacy-shield', 'tai-room'];
    const registered = `${JSON.stringify(elements)}.filter((name) => globalThis.customElements?.get(name)).length`;
    const code = `const all = await import('tai-room'); console.log(typeof all.TaiRoom, ${registered});
      await import('tai-room/define'); console.log(${registered});`;
    assert.equal(await inNode(code), `function 0\n${elements.length}`);
  });

  it('keeps everything else to itself', async () => {
    const code = `try { await import('tai-room/dist/npm/engine.js'); } catch (error) { console.log(error.code); }`;
    assert.equal(await inNode(code), 'ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  for (const script of ['tai.js', 'tai.single.js']) {
    it(`${script} does nothing in Node`, async () => {
      const path = JSON.stringify(`./node_modules/tai-room/dist/${script}`);
      assert.equal(await inNode(`const { load } = await import(${path}); await load(); console.log('in');`), 'in');
    });
  }

  for (const [title, options] of [
    ['a bundler', { module: 'ESNext', moduleResolution: 'bundler' }],
    ['Node', { module: 'NodeNext', moduleResolution: 'NodeNext' }],
  ] as const) {
    it(`has types that resolve for ${title}`, async () => {
      writeFileSync(join(project, 'consumer.ts'), CONSUMER);
      const compilerOptions = {
        ...options,
        target: 'ES2022',
        lib: ['ES2023', 'DOM', 'DOM.Iterable'],
        types: [],
        strict: true,
      };
      const settings = { compilerOptions: { ...compilerOptions, noEmit: true }, files: ['consumer.ts'] };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(settings));
      const { code, stdout } = await runNode([TSC, '-p', project]);
      assert.equal(code, 0, stdout);
    });
  }
});
