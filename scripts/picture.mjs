/** `node scripts/picture.mjs`: writes `docs/room.png` anew, a room of three people as the demo shows it. */
import { join } from 'node:path';
import { build } from './build.mjs';
import { runNode } from './lib/processes.mjs';
import { fail, root, setup } from './setup.mjs';

const { chromium } = setup({ browsers: true });
if (!(await build())) fail('The build failed: the lines above say why.');
const { code } = await runNode([join(root, 'scripts/lib/room-picture.mjs'), join(root, 'docs/room.png')], {
  env: { CHROMIUM_PATH: chromium },
});
process.exit(code);
