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
  /** Where mailboxes are kept; in memory where none is given. */
  readonly stateDirectory?: string;
};

/** The path of the configuration. */
export async function writeWorkerdConfig(options: WorkerdOptions): Promise<string> {
  const { repository, directory, address, assets, vars, stateDirectory } = options;
  const bundle = join(directory, 'relay.js');
  const entry = join(repository, 'relay-worker/index.ts');
  await run(ESBUILD, [entry, '--bundle', '--format=esm', '--external:cloudflare:workers', `--outfile=${bundle}`]);
  const toml = await readFile(join(repository, 'wrangler.toml'), 'utf8');
  const setting = (name: string): string => {
    const value = new RegExp(`^${name} = (".*"|\\[.*\\])$`, 'm').exec(toml)?.[1];
    if (value === undefined) throw new Error(`wrangler.toml does not set ${name}`);
    return value;
  };
  const section = /^\[vars\]$([\s\S]*?)^\[/m.exec(toml)?.[1] ?? '';
  const set = [...section.matchAll(/^([A-Z_]+) = (".*")$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  const variables = [
    ...new Map([...set, ...Object.entries(vars).map(([name, value]) => [name, JSON.stringify(value)] as const)]),
  ].map(([name, value]) => `(name = "${name}", text = ${value})`);
  const storage = stateDirectory === undefined ? 'inMemory = void' : 'localDisk = "state"';
  const state =
    stateDirectory === undefined
      ? ''
      : `,
    (name = "state", disk = (path = ${JSON.stringify(stateDirectory)}, writable = true))`;
  const path = join(directory, 'relay.capnp');
  await writeFile(
    path,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "relay", worker = .relay),
    (name = "assets", disk = (path = ${JSON.stringify(assets)}))${state}
  ],
  sockets = [(name = "http", address = "${address}", http = (), service = "relay")]
);
const relay :Workerd.Worker = (
  modules = [(name = "relay.js", esModule = embed "relay.js")],
  compatibilityDate = ${setting('compatibility_date')},
  compatibilityFlags = ${setting('compatibility_flags')},
  durableObjectNamespaces = [
    (className = "RoomObject", uniqueKey = "rooms", enableSql = true),
    (className = "MailboxObject", uniqueKey = "mailboxes", enableSql = true)
  ],
  durableObjectStorage = (${storage}),
  bindings = [
    (name = "ROOMS", durableObjectNamespace = "RoomObject"),
    (name = "MAILBOXES", durableObjectNamespace = "MailboxObject"),
    (name = "ASSETS", service = "assets"),
    ${variables.join(',\n    ')}
  ]
);
`,
  );
  return path;
}
