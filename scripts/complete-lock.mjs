/**
 * `npm run lock`: after `npm install`, makes `package-lock.json` whole again. npm leaves out the optional packages of other
 * platforms when the registry it asked does not have them (a mirror for one platform), and `npm ci` then refuses the lock on
 * every machine. What is added has a version and its platform, and no hash: npm completes it where the package can be had.
 * `-- --check` only says what is missing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './setup.mjs';

const PLATFORMS = { windows: 'win32' };
const OS = ['android', 'darwin', 'freebsd', 'netbsd', 'openbsd', 'sunos', 'aix', 'linux', 'win32', 'openharmony'];
const CPU = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32'];
const LIBC = { musl: 'musl', gnu: 'glibc', musleabihf: 'musl', gnueabihf: 'glibc' };

const byName = ([a], [b]) => a.localeCompare(b, 'en');

/** Where a package would be found from another, by Node's rule; `undefined` when nowhere. */
function resolveIn(packages, from, name) {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    const candidate = `${place ? `${place}/` : ''}node_modules/${name}`;
    if (packages[candidate]) return candidate;
    if (place === '') return undefined;
    if (!place.includes('/node_modules/')) return packages[`node_modules/${name}`] ? `node_modules/${name}` : undefined;
  }
}

/** Optional packages that the lock names and does not hold: `[name, version, whose]`. Only exact versions can be added. */
export function missingFromLock({ packages }) {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {}, dev }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => resolveIn(packages, path, name) === undefined)
      .map(([name, version]) => ({ name, version, isDev: dev === true })),
  );
}

/** What the name of a platform package says of its platform. */
export function platformOf(name) {
  const parts = name.split('/').at(-1).split('-');
  const os = parts.map((part) => PLATFORMS[part] ?? part).find((part) => OS.includes(part));
  const cpu = parts.find((part) => CPU.includes(part)) ?? (parts.at(-1) === '64' ? 'x64' : undefined);
  const libc = os === 'linux' ? parts.map((part) => LIBC[part]).find(Boolean) : undefined;
  return { ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }), ...(os && { os: [os] }) };
}

export function completeLock(lock) {
  const added = missingFromLock(lock)
    .filter(({ name, version }) => /^\d/.test(version) && platformOf(name).os)
    .map(({ name, version, isDev }) => {
      // Keys in npm's own order, so that npm changes nothing again.
      const fields = Object.entries({ ...platformOf(name), ...(isDev && { dev: true }), optional: true }).sort(byName);
      return [`node_modules/${name}`, { version, ...Object.fromEntries(fields) }];
    });
  const packages = Object.entries({ ...lock.packages, ...Object.fromEntries(added) });
  return { ...lock, packages: Object.fromEntries(packages.sort(byName)) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const path = join(root, 'package-lock.json');
  const lock = JSON.parse(readFileSync(path, 'utf8'));
  const missing = missingFromLock(lock);
  for (const { name, version } of missing) process.stdout.write(`missing: ${name} ${version}\n`);
  if (process.argv.includes('--check')) process.exit(missing.length > 0 ? 1 : 0);
  writeFileSync(path, `${JSON.stringify(completeLock(lock), undefined, 2)}\n`);
}
