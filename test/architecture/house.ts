/** Reads the source as a graph: which file imports what, and what ARCHITECTURE.md says of it. */
import { readFileSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['src', 'relay-worker'];

export type SourceFile = {
  readonly path: string;
  readonly lines: number;
  /** Module specifiers as written, each once: imports, re-exports, `import()`, and `import('…')` types. */
  readonly imports: readonly string[];
  /** Those of them that are still there when types are gone. */
  readonly valueImports: readonly string[];
  readonly anyCount: number;
};

/**
 * Layer → layers it may import beside itself. The table of ARCHITECTURE.md, with the files that stand in `src` itself as
 * `entry`. The public face also passes on types of what the session speaks about.
 */
export const MAY_IMPORT: { readonly [layer: string]: readonly string[] } = {
  entry: ['components', 'engine/index'],
  components: ['engine/index'],
  'engine/index': ['session', 'room', 'protocol'],
  session: ['room', 'keys', 'transport', 'media', 'identity', 'protocol'],
  keys: ['crypto', 'protocol'],
  transport: ['protocol'],
  media: ['protocol'],
  identity: ['crypto', 'protocol'],
  crypto: ['protocol'],
  room: ['protocol'],
  workers: ['crypto', 'protocol'],
  'relay-entry': ['relay-worker', 'relay-turn', 'protocol'],
  'relay-turn': ['relay-worker', 'protocol'],
  'relay-worker': ['protocol'],
  protocol: [],
};

/** Layer → packages. One not named here, none. */
export const MAY_IMPORT_PACKAGES: { readonly [layer: string]: readonly RegExp[] } = {
  components: [/^lit($|\/)/, /^@lit\/context$/, /^qr($|\/)/],
  identity: [/^idb-keyval$/],
  session: [/^virtual:[a-z-]+-worker-source$/],
  transport: [/^partysocket\/ws$/],
  crypto: [/^@noble\/(curves|hashes|post-quantum)\//],
  'relay-worker': [/^cloudflare:workers$/, /^jose($|\/)/],
  'relay-turn': [/^@noble\/(curves|hashes)\//],
};

const LAYERS_BY_PATH: readonly (readonly [RegExp, string])[] = [
  [/^relay-worker\/index\.ts$/, 'relay-entry'],
  [/^relay-worker\/turn-/, 'relay-turn'],
  [/^relay-worker\//, 'relay-worker'],
  [/^src\/workers\//, 'workers'],
  [/^src\/components\//, 'components'],
  [/^src\/engine\/index\.ts$/, 'engine/index'],
  [/^src\/engine\/(protocol|room|crypto|keys|transport|media|identity)\//, '$1'],
  [/^src\/engine\/[^/]+\.ts$/, 'session'],
  [/^src\/[^/]+\.ts$/, 'entry'],
];

/** `undefined` for a file in a folder that the house does not have. */
export function layerOf(path: string): string | undefined {
  for (const [pattern, layer] of LAYERS_BY_PATH) {
    const match = pattern.exec(path);
    if (match) return layer === '$1' ? match[1] : layer;
  }
  return undefined;
}

export function readHouse(): readonly SourceFile[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
      .map((path) => posix.join(folder, path.replaceAll('\\', '/')))
      .filter((path) => path.endsWith('.ts'))
      .sort()
      .map((path) => parseSource(path, readFileSync(`${ROOT}${path}`, 'utf8'))),
  );
}

/** Throws where the text is not TypeScript. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const imports = new Set<string>();
  const valueImports = new Set<string>();
  let anyCount = 0;
  visit(program, (node) => {
    if (node.type === 'TSAnyKeyword') anyCount += 1;
    const specifier =
      literalOf(node.source) ?? (node.type === 'TSExternalModuleReference' ? literalOf(node.expression) : undefined);
    if (specifier === undefined) return;
    imports.add(specifier);
    const isType = node.importKind === 'type' || node.exportKind === 'type' || node.type === 'TSImportType';
    if (!isType) valueImports.add(specifier);
  });
  return {
    path,
    lines: text.trimEnd().split('\n').length,
    imports: [...imports],
    valueImports: [...valueImports],
    anyCount,
  };
}

type Node = { readonly [field: string]: unknown };

function visit(value: unknown, see: (node: Node) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see);
    return;
  }
  const node = value as Node;
  if (typeof node.type === 'string') see(node);
  for (const child of Object.values(node)) visit(child, see);
}

function literalOf(value: unknown): string | undefined {
  const node = value as Node | null | undefined;
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}

/** One sentence for each import that the table does not allow; a computed `import()` is not looked into. */
export function forbiddenImports(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => {
    const layer = layerOf(file.path);
    if (layer === undefined) return [`${file.path} stands in no layer`];
    return file.imports.flatMap((specifier) => {
      const target = layerOfImport(file.path, specifier);
      if (target === 'package') {
        const isAllowed = MAY_IMPORT_PACKAGES[layer]?.some((pattern) => pattern.test(specifier)) ?? false;
        return isAllowed ? [] : [`${file.path} (${layer}) imports the package ${specifier}`];
      }
      const isAllowed = target === layer || (target !== undefined && (MAY_IMPORT[layer] ?? []).includes(target));
      return isAllowed ? [] : [`${file.path} (${layer}) imports ${specifier} (${target ?? 'no layer'})`];
    });
  });
}

function resolveImport(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
}

function layerOfImport(from: string, specifier: string): string | undefined {
  const path = resolveImport(from, specifier);
  return path === undefined ? 'package' : layerOf(path);
}

/** The layer graph as it is, not as the table would allow it. */
export function layerEdges(files: readonly SourceFile[]): ReadonlyMap<string, ReadonlySet<string>> {
  const edges = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    const layer = layerOf(path) ?? '?';
    for (const specifier of imports) {
      const target = layerOfImport(path, specifier);
      if (target === undefined || target === 'package' || target === layer) continue;
      edges.set(layer, (edges.get(layer) ?? new Set()).add(target));
    }
  }
  return edges;
}

/** The file graph as it runs: two files may well know each other's types. */
export function fileEdges(files: readonly SourceFile[]): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    files.map(({ path, valueImports }) => {
      const targets = valueImports.map((specifier) => resolveImport(path, specifier));
      return [path, new Set(targets.filter((target) => target !== undefined))];
    }),
  );
}

/** One circle of the graph, as the names on it; `undefined` when there is none. */
export function findCircle(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const next of edges.get(name) ?? []) {
      const circle = walk(next, [...trail, name]);
      if (circle) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of edges.keys()) {
    const circle = walk(name, []);
    if (circle) return circle;
  }
  return undefined;
}
