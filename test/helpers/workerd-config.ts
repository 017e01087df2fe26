/** The relay as a configuration of plain workerd: bundled as it is, with the settings of `wrangler.toml`. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const ESBUILD = join(REPOSITORY, 'node_modules/esbuild/bin/esbuild');
const run = promisify(execFile);

export type WorkerdOptions = {
  /** The checkout whose relay it is. */
  readonly repository: string;
  /** Where the bundle and the configuration are written. */
  readonly directory: string;
  /** `host:port` to listen on. */
  readonly address: string;
  readonly assets: string;
  /** Instead of the settings in `wrangler.toml`. */
  readonly vars: Readonly<Record<string, string>>;
};

/** The path of the configuration. Rooms are in memory: nothing is on disk that could be looked at. */
export async function writeWorkerdConfig(options: WorkerdOptions): Promise<string> {
  const { repository, directory, address, assets, vars } = options;
  const bundle = join(directory, 'relay.js');
  const entry = join(repository, 'relay-worker/index.ts');
  await run(ESBUILD, [entry, '--bundle', '--format=esm', '--external:cloudflare:workers', `--outfile=${bundle}`]);
  const toml = await readFile(join(repository, 'wrangler.toml'), 'utf8');
  const setting = (name: string): string => {
    const value = new RegExp(`^${name} = (".*"|\\[.*\\])$`, 'm').exec(toml)?.[1];
    if (value === undefined) throw new Error(`wrangler.toml does not set ${name}`);
    return value;
  };
  const variables = [...new Set(['ICE_SERVERS', 'MAX_PEERS', ...Object.keys(vars)])].map((name) => {
    const value = vars[name] === undefined ? setting(name) : JSON.stringify(vars[name]);
    return `(name = "${name}", text = ${value})`;
  });
  const path = join(directory, 'relay.capnp');
  await writeFile(
    path,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "relay", worker = .relay),
    (name = "assets", disk = (path = ${JSON.stringify(assets)})),
    (name = "internet", network = (allow = ["public", "private", "local"]))
  ],
  sockets = [(name = "http", address = "${address}", http = (), service = "relay")]
);
const relay :Workerd.Worker = (
  modules = [(name = "relay.js", esModule = embed "relay.js")],
  compatibilityDate = ${setting('compatibility_date')},
  compatibilityFlags = ${setting('compatibility_flags')},
  durableObjectNamespaces = [(className = "RoomObject", uniqueKey = "rooms", enableSql = true)],
  durableObjectStorage = (inMemory = void),
  bindings = [
    (name = "ROOMS", durableObjectNamespace = "RoomObject"),
    (name = "ASSETS", service = "assets"),
    ${variables.join(',\n    ')}
  ]
);
`,
  );
  return path;
}
