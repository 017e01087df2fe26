/** The peers' own worker scripts, as they publish them. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Jitsi publishes no current lib-jitsi-meet; this is a build of it with its E2EE worker in a file of its own. No devDependency, since
 * it would bring two dozen others, two of them from git, for one file.
 */
const JITSI = '@lyno/lib-jitsi-meet@2.6726.2';
const JITSI_INTEGRITY =
  'sha512-cTrKBgy4ZHD6vyFTOAOx5ylyzjWs3ft6MLhmchu9zRq7uLr8omD4lE2fmSfoyoSqMjFc/3sU9XLYXiJ21hqQuw==';
const JITSI_WORKER = 'package/lib-jitsi-meet.e2ee-worker.js';

export function livekitWorker(): Promise<string> {
  return readFile(fileURLToPath(import.meta.resolve('livekit-client/e2ee-worker')), 'utf8');
}

/** `undefined` where npm does not get it: there may be no network. */
export async function jitsiWorker(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'tai-jitsi-'));
  try {
    const { stdout } = await run('npm', ['pack', JITSI, '--silent', '--ignore-scripts', '--pack-destination', folder], {
      timeout: 60_000,
    });
    const archive = join(folder, stdout.trim());
    const integrity = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`;
    if (integrity !== JITSI_INTEGRITY) throw new Error(`${JITSI} is not what it was`);
    const { stdout: script } = await run('tar', ['-xzOf', archive, JITSI_WORKER]);
    return script;
  } catch (error) {
    process.stderr.write(`Jitsi is not measured: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
