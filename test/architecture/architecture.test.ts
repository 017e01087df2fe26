/** The walls of the house: the import table of ARCHITECTURE.md, its figures, and proof that each of them bites. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  MAY_IMPORT,
  fileEdges,
  findCircle,
  forbiddenImports,
  layerEdges,
  layerOf,
  parseSource,
  readHouse,
} from './house.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LINES_MAX = 400;
const IMPORTS_MAX = 12;

const house = readHouse();

describe('imports', () => {
  it('reads a house that is there', () => {
    assert.ok(house.length > 30, `only ${house.length} files were read`);
    for (const layer of ['components', 'session', 'keys', 'transport', 'media', 'crypto', 'room', 'protocol']) {
      assert.ok(
        house.some(({ path }) => layerOf(path) === layer),
        `no file stands in ${layer}`,
      );
    }
  });

  it('go only where the table allows', () => {
    assert.deepEqual(forbiddenImports(house), []);
  });

  it('form no circle, neither between layers nor between files', () => {
    assert.equal(findCircle(layerEdges(house)), undefined);
    assert.equal(
      findCircle(new Map(Object.entries(MAY_IMPORT).map(([layer, may]) => [layer, new Set(may)]))),
      undefined,
    );
    assert.equal(findCircle(fileEdges(house)), undefined);
  });

  it('say the same in ARCHITECTURE.md', () => {
    const text = readFileSync(`${ROOT}ARCHITECTURE.md`, 'utf8');
    const rows = [...text.matchAll(/^([a-z/-]+) +→ (.+?)(?: {2,}.*)?$/gm)];
    const written = new Map(rows.map(([, layer = '', targets = '']) => [layer, targets.split(/, /).sort()]));
    for (const [layer, targets] of written) {
      const may = (MAY_IMPORT[layer] ?? []).map((target) => (target === 'engine/index' ? 'engine/index.ts' : target));
      // The public face passes on types; a layer that has no file yet need not be written down.
      const passedOn = layer === 'engine/index' ? ['room', 'protocol'] : ['identity'];
      const expected = may.filter((target) => targets.includes(target) || !passedOn.includes(target));
      assert.deepEqual(
        targets.filter((target) => target !== 'nothing'),
        expected.sort(),
        `row “${layer}”`,
      );
    }
    const named = new Set(house.map(({ path }) => layerOf(path)));
    for (const layer of Object.keys(MAY_IMPORT)) {
      if (layer !== 'entry' && named.has(layer)) assert.ok(written.has(layer), `no row “${layer}”`);
    }
  });

  const planted: readonly (readonly [string, string])[] = [
    ['src/engine/room/planted.ts', `import { PeerLink } from '../transport/peer-link.ts';`],
    ['src/engine/room/planted.ts', `import { sealEnvelope } from '../crypto/envelope.ts';`],
    ['src/engine/room/planted.ts', `import { html } from 'lit';`],
    ['src/engine/protocol/planted.ts', `import type { RoomState } from '../room/state.ts';`],
    ['src/engine/protocol/planted.ts', `import { readFileSync } from 'node:fs';`],
    ['src/engine/crypto/planted.ts', `export * from '../keys.ts';`],
    ['src/engine/transport/planted.ts', `export type { RoomState } from '../room/state.ts';`],
    ['src/engine/transport/planted.ts', `import { KeyRing } from '../keys/key-ring.ts';`],
    ['src/engine/media/planted.ts', `const later = () => import('../transport/peer-link.ts');`],
    ['src/engine/keys/planted.ts', `import { RelaySocket } from '../transport/relay-socket.ts';`],
    ['src/engine/keys/planted.ts', `import type { Ports } from '../ports.ts';`],
    ['src/engine/keys/planted.ts', `import { createGuestIdentity } from '../identity/guest.ts';`],
    ['src/engine/identity/planted.ts', `import { KeyRing } from '../keys/key-ring.ts';`],
    ['src/engine/planted.ts', `import { initiate } from './crypto/pqxdh.ts';`],
    ['src/engine/index.ts', `export { KeyRing } from './keys/key-ring.ts';`],
    ['src/engine/planted.ts', `import { html } from 'lit';`],
    ['src/components/tai-room/planted.ts', `import { createSession } from '../../engine/session.ts';`],
    ['src/components/tai-room/planted.ts', `let peer: import('../../engine/protocol/ids.ts').PeerId;`],
    ['src/components/internal/planted.ts', `import 'https://example.com/x.js';`],
    ['src/workers/planted.worker.ts', `import { KeyRing } from '../engine/keys/key-ring.ts';`],
    ['relay-worker/planted.ts', `import { openMessage } from '../src/engine/crypto/ratchet.ts';`],
    ['relay-worker/planted.ts', `import { KeyRing } from '../src/engine/keys/key-ring.ts';`],
    ['src/drop-in.ts', `import { createSession } from './engine/session.ts';`],
    ['src/managers/planted.ts', ``],
    ['src/engine/services/planted.ts', ``],
  ];
  for (const [path, text] of planted) {
    it(`bites: ${path} with “${text}”`, () => {
      assert.equal(forbiddenImports([parseSource(path, text)]).length, 1);
    });
  }

  it('lets the allowed ones through', () => {
    const text = `import { LitElement } from 'lit';\nimport type { Session } from '../../engine/index.ts';`;
    assert.deepEqual(forbiddenImports([parseSource('src/components/tai-room/planted.ts', text)]), []);
  });

  it('bites: a circle of two files', () => {
    const a = parseSource('src/engine/room/a.ts', `import './b.ts';`);
    const b = parseSource('src/engine/room/b.ts', `import './a.ts';`);
    assert.deepEqual(findCircle(fileEdges([a, b])), [a.path, b.path, a.path]);
  });
});

describe('doors', () => {
  it('only session.ts imports the real ports, and only these start a worker', () => {
    const importers = house.filter(({ imports }) => imports.some((each) => each.endsWith('/browser-ports.ts')));
    assert.deepEqual(
      importers.map(({ path }) => path),
      ['src/engine/session.ts'],
    );
    const starters = house.filter(({ imports }) => imports.some((each) => each.startsWith('virtual:')));
    assert.deepEqual(
      starters.map(({ path }) => path),
      ['src/engine/browser-ports.ts'],
    );
  });

  it('no test in Node imports the real ports', () => {
    const folders = readdirSync(`${ROOT}test`, { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && !['components', 'e2e'].includes(entry.name),
    );
    for (const { name } of folders) {
      for (const path of readdirSync(`${ROOT}test/${name}`, { recursive: true, encoding: 'utf8' })) {
        if (!path.endsWith('.ts')) continue;
        const { valueImports } = parseSource(path, readFileSync(`${ROOT}test/${name}/${path}`, 'utf8'));
        const real = valueImports.filter((each) => /engine\/(browser-ports|session|index)\.ts$/.test(each));
        assert.deepEqual(real, [], `test/${name}/${path}`);
      }
    }
  });
});

describe('figures', () => {
  it(`no file is longer than ${LINES_MAX} lines`, () => {
    const long = house.filter(({ lines }) => lines > LINES_MAX);
    assert.deepEqual(
      long.map(({ path, lines }) => `${path}: ${lines}`),
      [],
    );
  });

  it(`no file imports from more than ${IMPORTS_MAX} modules`, () => {
    const wide = house.filter(({ imports }) => imports.length > IMPORTS_MAX);
    assert.deepEqual(
      wide.map(({ path, imports }) => `${path}: ${imports.length}`),
      [],
    );
  });

  it('there is no “any”', () => {
    assert.deepEqual(
      house.filter(({ anyCount }) => anyCount > 0).map(({ path }) => path),
      [],
    );
    assert.equal(parseSource('src/planted.ts', 'let x: any; let y = z as any;').anyCount, 2);
  });
});
