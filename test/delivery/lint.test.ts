/** The lint rules the house relies on bite: each is given a file that breaks it, in the folder where it counts. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT, runNode, scratchFolder } from './tools.ts';

type Case = { readonly path: string; readonly rule: string; readonly text: string };

const element = (body: string): string =>
  `import { LitElement, html } from 'lit';\nexport class TaiX extends LitElement {\n${body}\n}\nexport { html };\n`;

const CASES: readonly Case[] = [
  {
    path: 'src/engine/room/clock.ts',
    rule: 'no-restricted-properties',
    text: 'export const now = (): number => Date.now();',
  },
  { path: 'src/engine/room/chance.ts', rule: 'no-restricted-properties', text: 'export const x = Math.random();' },
  { path: 'src/engine/room/timer.ts', rule: 'no-restricted-globals', text: 'setTimeout(() => {}, 5);' },
  { path: 'src/engine/room/date.ts', rule: 'no-restricted-globals', text: 'export const x = new Date();' },
  { path: 'src/engine/protocol/clock.ts', rule: 'no-restricted-properties', text: 'export const x = Date.now();' },
  { path: 'src/engine/protocol/chance.ts', rule: 'no-restricted-globals', text: 'export const x = crypto;' },
  { path: 'src/engine/crypto/chance.ts', rule: 'no-restricted-properties', text: 'export const x = Math.random();' },
  { path: 'src/engine/loose.ts', rule: 'no-explicit-any', text: 'export const x: any = 1;' },
  { path: 'src/engine/loud.ts', rule: 'no-console', text: "console.log('x');" },
  { path: 'relay-worker/loud.ts', rule: 'no-console', text: "console.error('x');" },
  { path: 'src/engine/bang.ts', rule: 'no-non-null-assertion', text: 'export const f = (x?: string): string => x!;' },
  { path: 'src/engine/default-export.ts', rule: 'no-default-export', text: 'export default 1;' },
  { path: 'src/engine/CamelCase.ts', rule: 'filename-case', text: 'export const x = 1;' },
  { path: 'src/engine/keep.ts', rule: 'no-restricted-globals', text: "localStorage.setItem('a', 'b');" },
  {
    path: 'src/components/markup.ts',
    rule: 'no-restricted-properties',
    text: "export const f = (x: Element): void => {\n  x.innerHTML = 'y';\n};",
  },
  {
    path: 'src/components/tai-a.ts',
    rule: 'lit\\(no-invalid-html\\)',
    text: element('  override render(): unknown {\n    return html`<p></p class="x">`;\n  }'),
  },
  {
    path: 'src/components/tai-b.ts',
    rule: 'lit\\(lifecycle-super\\)',
    text: element('  override connectedCallback(): void {}'),
  },
  {
    path: 'src/components/tai-c.ts',
    rule: 'lit\\(no-classfield-shadowing\\)',
    text: element('  static override properties = { open: {} };\n  open = false;'),
  },
  {
    path: 'src/components/tai-d.ts',
    rule: 'wc\\(no-closed-shadow-root\\)',
    text: "export class TaiD extends HTMLElement {\n  constructor() {\n    super();\n    this.attachShadow({ mode: 'closed' });\n  }\n}",
  },
  {
    path: 'src/components/tai-e.ts',
    rule: 'wc\\(no-constructor-params\\)',
    text: 'export class TaiE extends HTMLElement {\n  constructor(x: string) {\n    super();\n    void x;\n  }\n}',
  },
  {
    path: 'src/components/tai-f.ts',
    rule: 'wc\\(require-listener-teardown\\)',
    text: "export class TaiF extends HTMLElement {\n  connectedCallback(): void {\n    document.addEventListener('keydown', this.onKey);\n  }\n  onKey = (): void => {};\n}",
  },
];

/** The same text where the rule does not apply: proves that it is the rule and the folder that bite. */
const HARMLESS: readonly Case[] = [
  { path: 'src/engine/transport/clock.ts', rule: '', text: 'export const now = (): number => Date.now();' },
  { path: 'scripts/loud.mjs', rule: '', text: "console.log('x');" },
  {
    path: 'src/components/tai-good.ts',
    rule: '',
    text: element('  static override properties = { open: {} };\n  declare open: boolean;'),
  },
];

describe('lint rules', () => {
  const folder = scratchFolder();
  let report = '';
  before(async () => {
    cpSync(join(ROOT, '.oxlintrc.json'), join(folder.path, '.oxlintrc.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
    for (const { path, text } of [...CASES, ...HARMLESS]) {
      mkdirSync(dirname(join(folder.path, path)), { recursive: true });
      writeFileSync(join(folder.path, path), `${text}\n`);
    }
    const oxlint = join(ROOT, 'node_modules/oxlint/bin/oxlint');
    const { code, stdout } = await runNode([oxlint, '-f', 'unix', 'src', 'relay-worker', 'scripts'], {
      cwd: folder.path,
    });
    assert.equal(code, 1);
    report = stdout;
  });
  after(() => folder[Symbol.dispose]());

  for (const { path, rule, text } of CASES) {
    it(`${rule.replaceAll('\\', '')} in ${dirname(path)}: ${text.split('\n').at(-1)}`, () => {
      const lines = report.split('\n').filter((line) => line.startsWith(`${path}:`));
      assert.match(lines.join('\n'), new RegExp(rule));
    });
  }

  for (const { path } of HARMLESS) {
    it(`nothing to say about ${path}`, () => assert.ok(!report.includes(`${path}:`), report));
  }
});
