/**
 * For @web/test-runner: the published vectors, which lie beside the project, read-only under `/__vectors/<folder>/<name>.json`.
 * A missing file is not found; the test that asked for it says so and is skipped.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../setup.mjs';

const FOLDER = join(root, '..', 'shared', 'vectors');
const SERVED = /^\/__vectors\/([a-z0-9-]+\/[\w-]+\.json)$/;

export function vectorsServerPlugin() {
  return {
    name: 'tai-vectors',
    async serve({ path }) {
      const file = SERVED.exec(path)?.[1];
      if (!file) return undefined;
      const body = await readFile(join(FOLDER, file), 'utf8').catch(() => undefined);
      return body === undefined ? undefined : { body, type: 'json' };
    },
  };
}
