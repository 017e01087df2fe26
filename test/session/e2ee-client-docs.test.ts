/** The examples of docs/e2ee-client.md, and the one in README.md: compiled as a page would compile them, run, and saying what they say they say. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { E2eeError } from '../../src/engine/e2ee-types.ts';
import type { E2eeFault } from '../../src/engine/e2ee-types.ts';
import { ROOT, run, runNode } from '../delivery/tools.ts';
import { startRelayProcess } from '../helpers/relay-process.ts';
import type { RelayProcess } from '../helpers/relay-process.ts';

const ENTRY = 'tai-room/e2ee';
const SOURCE = join(ROOT, 'src/engine/e2ee.ts');
const RELAY = 'wss://relay.example.com';

const text = readFileSync(join(ROOT, 'docs/e2ee-client.md'), 'utf8');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

function codeOf(document: string): readonly string[] {
  return [...document.matchAll(/^```(?:ts|js)\n(.*?)^```$/gms)].map(([, code = '']) => code);
}

const inReadme = codeOf(readme).filter((code) => code.includes(ENTRY));
const examples = [...codeOf(text), ...inReadme];

/** What the comments behind `console.log` say that it says. */
function promised(code: string): readonly string[] {
  return [...code.matchAll(/console\.log\(.*\);? \/\/ (.+)$/gm)].map(([, said = '']) => said);
}

describe('the examples of the key agreement without the room', () => {
  let relay: RelayProcess;
  let folder = '';
  before(async () => {
    relay = await startRelayProcess({ runtime: 'workerd', isStored: true, vars: { MAILBOX: 'on' } });
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    folder = mkdtempSync(join(ROOT, '.cache/e2ee-client-'));
    for (const [i, code] of examples.entries()) writeFileSync(join(folder, `example-${i}.ts`), code);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await relay.stop();
  });

  it('are there', () => {
    assert.deepEqual([examples.length, inReadme.length], [5, 1]);
    for (const code of examples) assert.ok(promised(code).length > 0);
  });

  it('compile', async () => {
    const settings = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { noEmit: true, paths: { [ENTRY]: [SOURCE] } },
      include: ['*.ts'],
      exclude: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    const { code, stdout } = await runNode([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder]);
    assert.equal(code, 0, stdout);
  });

  for (const [i, example] of examples.entries()) {
    it(`run, and say what stands behind them: ${i + 1}`, async () => {
      const path = join(folder, `run-${i}.ts`);
      const local = example
        .replaceAll(`'${ENTRY}'`, `'${pathToFileURL(SOURCE).href}'`)
        .replaceAll(RELAY, relay.url.replace('http:', 'ws:'));
      writeFileSync(path, local);
      const { code, stdout, stderr } = await run(process.execPath, ['--no-warnings', path]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(stdout.trim().split('\n'), promised(example));
    });
  }
});

describe('the table of errors in docs/e2ee-client.md', () => {
  it('names every fault, under its code', () => {
    const table = text.slice(text.indexOf('## Errors'));
    const rows = [...table.matchAll(/^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| (`.*?`.*?) \|$/gm)];
    const written = new Map<string, readonly string[]>();
    for (const [, codes = '', faults = ''] of rows) {
      for (const [, fault = ''] of faults.matchAll(/`([a-z-]+)`/g)) {
        written.set(
          fault,
          [...codes.matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => code),
        );
      }
    }
    // the type of the union is not there when it runs: the source is
    const source = readFileSync(join(ROOT, 'src/engine/e2ee-types.ts'), 'utf8');
    const union = source.slice(source.indexOf('const CODES = {'), source.indexOf('} as const satisfies'));
    const faults = [...union.matchAll(/^ {2}'?([a-z-]+)'?: '/gm)].map(([, fault = '']) => fault as E2eeFault);
    assert.ok(faults.length > 20);
    for (const fault of faults) {
      const { code } = new E2eeError(fault);
      assert.ok(written.get(fault)?.includes(code), `${fault}: ${code}`);
    }
    for (const fault of written.keys())
      assert.ok(faults.includes(fault as E2eeFault) || fault === 'relay-refused', fault);
  });
});
