/**
 * Makes a fresh checkout ready: dependencies, and where asked browsers and a TURN host. Uses only what Node 20.19 brings,
 * since it runs before anything is installed. Run by itself it sets up everything.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, lstatSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** What may have to be on the system. `env` names the variable by which a path can be given, where one can. */
const PROGRAMS = {
  chromium: {
    title: 'Chromium',
    env: 'CHROMIUM_PATH',
    names: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'],
    paths: [
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
      'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
    ],
    packages: ['chromium'],
  },
  firefox: {
    title: 'Firefox',
    env: 'FIREFOX_PATH',
    names: ['firefox-esr', 'firefox'],
    paths: ['/Applications/Firefox.app/Contents/MacOS/firefox', 'C:\\Program Files\\Mozilla Firefox\\firefox.exe'],
    packages: ['firefox-esr', 'firefox'],
  },
  coturn: {
    title: 'coturn',
    env: 'TURNSERVER_PATH',
    names: ['turnserver'],
    paths: ['/opt/homebrew/bin/turnserver', '/usr/local/bin/turnserver'],
    packages: ['coturn'],
  },
  ip: { title: 'iproute2', names: ['ip'], paths: [], packages: ['iproute2'] },
  iptables: { title: 'iptables', names: ['iptables'], paths: [], packages: ['iptables'] },
};

/** Ends the script with one sentence in place of a stack trace. */
export function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function inSearchPath(name) {
  const suffixes = process.platform === 'win32' ? ['.exe', ''] : [''];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const suffix of suffixes) {
      const path = join(folder, name + suffix);
      if (folder !== '' && isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** The path of a program, or `undefined`. A path given by its variable must be right: nothing else is tried then. */
export function find(key) {
  const program = PROGRAMS[key];
  const given = program.env && process.env[program.env];
  if (given) {
    if (!isExecutable(given)) fail(`${program.env} names ${given}, and there is no program there.`);
    return given;
  }
  for (const name of program.names) {
    const path = inSearchPath(name);
    if (path) return path;
  }
  return program.paths.find(isExecutable);
}

function installBySystem(key) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !inSearchPath('apt-get')) return;
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  process.stderr.write(`Installing ${PROGRAMS[key].title} by apt-get …\n`);
  spawnSync('apt-get', ['update', '-qq'], options);
  for (const name of PROGRAMS[key].packages) {
    const { status } = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], options);
    if (status === 0) return;
  }
}

function need(key) {
  const found = find(key);
  if (found) return found;
  installBySystem(key);
  const { title, env } = PROGRAMS[key];
  return find(key) ?? fail(`${title} is needed and was not found: install it, or set ${env} to its path.`);
}

/** Installed where that is easy. Where it is missing, the tests that need it say so. */
function want(key) {
  if (!find(key)) installBySystem(key);
}

/** What is installed against the lock, package by package, so that a changed lock is noticed and `npm install` is not redone. */
function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden) || !existsSync(nodeBinary())) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    // Optional and platform-bound packages stand in the lock for every platform.
    if (!present[path]) return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return present[path].version === entry.version;
  });
}

/** `npm ci` empties what it finds first: behind a link that is the folder of another checkout. */
function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function installDependencies() {
  if (isInstalled()) return;
  if (isLink(join(root, 'node_modules'))) {
    fail(
      'node_modules is a symbolic link to a folder that does not hold what package-lock.json asks for: nothing is installed through it. Remove the link, or install where it leads.',
    );
  }
  process.stderr.write('Installing dependencies …\n');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // Standard output stays free for what a script prints as its result.
    stdio: ['ignore', 2, 2],
    // Browsers come from the system: a tool's own download would only cost time.
    env: { ...process.env, PUPPETEER_SKIP_DOWNLOAD: '1', PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' },
    shell: process.platform === 'win32',
  });
  if (status !== 0) fail('npm ci failed: the lines above say why.');
}

/** The Node 24 of the `node` package: tools and tests run with it, whatever Node started the script. */
export function nodeBinary() {
  return join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** The JavaScript file behind a package's command, to be run with `nodeBinary()`. */
export function tool(packageName, command = packageName) {
  const folder = join(root, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

/** The environment for tools: their own Node first in the path, no telemetry. */
export function toolEnvironment(more = {}) {
  return {
    ...process.env,
    PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
    WRANGLER_SEND_METRICS: 'false',
    ...more,
  };
}

/**
 * Readies the checkout; returns the paths of the programs asked for. Ends the process with a sentence when it cannot. `lab`: tools for
 * networks of our own, which do without where they cannot be had.
 */
export function setup({ browsers = false, coturn = false, lab = false } = {}) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node 20.19 or newer is needed; this is ${process.versions.node}.`);
  }
  installDependencies();
  if (lab) ['ip', 'iptables'].forEach(want);
  return {
    ...(browsers && { chromium: need('chromium'), firefox: need('firefox') }),
    ...(coturn && { coturn: need('coturn') }),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, path] of Object.entries(setup({ browsers: true, coturn: true, lab: true }))) {
    process.stdout.write(`${name}: ${path}\n`);
  }
}
