/** Lists and hashes of files. Only what Node brings. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Every file below a folder (or the file itself), sorted, as paths from `base` with `/`; none when there is none. */
export function listFiles(base, path = '') {
  const start = join(base, path);
  if (!existsSync(start)) return [];
  if (statSync(start).isFile()) return [path];
  return readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      relative(base, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join('/'),
    )
    .sort();
}

/** One SHA-256 over names and contents. */
export function hashFiles(base, paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((each) => listFiles(base, each))) {
    const bytes = readFileSync(join(base, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}
