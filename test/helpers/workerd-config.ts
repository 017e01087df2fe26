/** The relay as a configuration of plain workerd: bundled as it is, with the settings of `wrangler.toml`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const RELAY_ENTRY = 'relay-worker/index.ts';
/** What only a Worker under test may import (`workerd:unsafe`). */
const UNSAFE_FLAG = 'unsafe_module';

/** Another Worker than the relay as it is. It exports `RoomObject`, bound as `ROOMS`, like the relay. */
export type WorkerVariant = {
  /** The Worker's own file, in place of the relay's. */
  readonly entry?: string;
  /** In place of the constants of `relay-worker/limits.ts`, by name. The code that reads them is the same. */
  readonly limits?: Readonly<Record<string, number>>;
  /** For a Worker that imports `workerd:unsafe`; its objects are kept on disk, where they can be looked at. */
  readonly isUnsafe?: boolean;
};

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
  readonly variant?: WorkerVariant;
  /** Where objects are kept; in memory where none is given. Without, there is no SQLite, which only mailboxes need. */
  readonly stateDirectory?: string;
};

/** The path of the configuration. */
export async function writeWorkerdConfig(options: WorkerdOptions): Promise<string> {
  const { repository, directory, address, assets, vars, stateDirectory, variant = {} } = options;
  const { entry = join(repository, RELAY_ENTRY), limits = {}, isUnsafe = false } = variant;
  const bundle = join(directory, 'relay.js');
  await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    external: ['cloudflare:workers', 'workerd:unsafe'],
    outfile: bundle,
    plugins: [otherLimits(limits)],
    // What is wrong is in what it rejects with.
    logLevel: 'silent',
  });
  // earlier relays and other Workers have none
  const hasMailboxes = (await readFile(bundle, 'utf8')).includes('MailboxObject');
  if (stateDirectory !== undefined) await mkdir(stateDirectory, { recursive: true });
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
  const flags = setting('compatibility_flags').replace(/\]$/, isUnsafe ? `, "${UNSAFE_FLAG}"]` : ']');
  const storage = stateDirectory === undefined ? 'inMemory = void' : 'localDisk = "state"';
  const state =
    stateDirectory === undefined
      ? ''
      : `
    (name = "state", disk = (path = ${JSON.stringify(stateDirectory)}, writable = true)),`;
  const [mailboxes, mailboxBinding] = hasMailboxes
    ? [
        `,
    (className = "MailboxObject", uniqueKey = "mailboxes", enableSql = true)`,
        `
    (name = "MAILBOXES", durableObjectNamespace = "MailboxObject"),`,
      ]
    : ['', ''];
  const path = join(directory, 'relay.capnp');
  await writeFile(
    path,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "relay", worker = .relay),
    (name = "assets", disk = (path = ${JSON.stringify(assets)})),${state}
    # other hosts that the relay asks are here on the loopback, if anywhere
    (name = "internet", network = (allow = ["local"]))
  ],
  sockets = [(name = "http", address = "${address}", http = (), service = "relay")]
);
const relay :Workerd.Worker = (
  modules = [(name = "relay.js", esModule = embed "relay.js")],
  compatibilityDate = ${setting('compatibility_date')},
  compatibilityFlags = ${flags},
  durableObjectNamespaces = [
    (className = "RoomObject", uniqueKey = "rooms", enableSql = true)${mailboxes}
  ],
  durableObjectStorage = (${storage}),
  bindings = [
    (name = "ROOMS", durableObjectNamespace = "RoomObject"),${mailboxBinding}
    (name = "ASSETS", service = "assets"),
    ${variables.join(',\n    ')}
  ]
);
`,
  );
  return path;
}

/** Puts other numbers into `limits.ts` while it is bundled; throws for a name that is not there. */
function otherLimits(limits: Readonly<Record<string, number>>): Plugin {
  return {
    name: 'other-limits',
    setup({ onLoad }) {
      onLoad({ filter: /relay-worker\/limits\.ts$/ }, async ({ path }) => {
        let contents = await readFile(path, 'utf8');
        for (const [name, value] of Object.entries(limits)) {
          const constant = new RegExp(`(?<=^export const ${name} = ).*(?=;$)`, 'm');
          if (!constant.test(contents)) throw new Error(`limits.ts has no ${name}`);
          contents = contents.replace(constant, String(value));
        }
        return { contents, loader: 'ts' };
      });
    },
  };
}
