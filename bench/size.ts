/**
 * What a visitor downloads: gzip bytes of our own build, and of the peers' packages bundled and minified by the same tool in
 * the same run. Those that cannot be had as a package are quoted, and marked so.
 */
import { gzipSync } from 'node:zlib';
import { BUDGETS, measure as measureOwn } from '../scripts/sizes.mjs';
import { bundleCode } from './bundle.ts';
import { goal, rounded, runBench } from './harness.ts';
import type { BenchResult, Row } from './harness.ts';
import { describeMachine } from './machine.ts';

const KB = 1000;

/** The groups of `sizes.json`, as a reader would ask for them. */
const OWN = {
  'first-script': 'tai-room: first script, until the element is near',
  room: 'tai-room: first script, elements, engine and worker',
  engine: 'tai-room: engine without elements, with its packages',
  worker: 'tai-room: clock worker',
  verify: 'tai-room: only when somebody compares codes',
  device: 'tai-room: only with keys that the browser keeps',
  e2ee: 'tai-room: the key agreement alone, with its packages',
  fallback: 'tai-room: only for browsers without native algorithms',
} as const;

/** The least code with which a page can use them. */
const PEERS: readonly { readonly name: string; readonly code: string }[] = [
  { name: 'peerjs', code: `export { Peer } from 'peerjs';` },
  { name: 'simple-peer', code: `export { default } from 'simple-peer/simplepeer.min.js';` },
  { name: 'livekit-client', code: `export { Room, RoomEvent, createLocalTracks } from 'livekit-client';` },
  { name: 'livekit-client: E2EE worker', code: `import 'livekit-client/e2ee-worker';` },
  { name: 'media-chrome', code: `import 'media-chrome';` },
];

/** Quoted from the peers' published files, in kB of gzip; not measured in this run. */
const PUBLISHED: readonly { readonly name: string; readonly gzip_kB: number }[] = [
  { name: 'mediasoup-client', gzip_kB: 39 },
  { name: 'daily-js: loader, without the call itself', gzip_kB: 72 },
  { name: 'whereby, React', gzip_kB: 273 },
  { name: 'RealtimeKit: client and UI', gzip_kB: 530 },
  { name: 'Element Call', gzip_kB: 729 },
  { name: 'Vonage', gzip_kB: 845 },
  { name: 'Zoom', gzip_kB: 1532 },
];

async function measure(): Promise<BenchResult> {
  const own = await measureOwn();
  const gzipOf = (group: keyof typeof OWN): number => own[group]?.gzip ?? Number.NaN;
  const rows: Row[] = [];
  for (const group of Object.keys(OWN) as (keyof typeof OWN)[]) {
    const { bytes, gzip } = own[group] ?? { bytes: Number.NaN, gzip: Number.NaN };
    rows.push({ name: OWN[group], gzip_kB: rounded(gzip / KB), gzip_bytes: gzip, bytes, source: 'measured' });
  }
  for (const { name, code } of PEERS) {
    const { entry, chunks } = await bundleCode(code);
    // One by one, as they are sent.
    const scripts = [entry, ...chunks].map((script) => Buffer.from(script));
    const bytes = scripts.reduce((sum, script) => sum + script.length, 0);
    const gzip = scripts.reduce((sum, script) => sum + gzipSync(script, { level: 9 }).length, 0);
    rows.push({ name, gzip_kB: rounded(gzip / KB), gzip_bytes: gzip, bytes, source: 'measured' });
  }
  for (const published of PUBLISHED) rows.push({ ...published, source: 'published' });
  return {
    bench: 'size',
    machine: describeMachine(),
    rounds: 1,
    rows,
    goals: [
      goal('first script, bytes of gzip', gzipOf('first-script'), BUDGETS['first-script'], 'lower'),
      goal('all told for a room, bytes of gzip', gzipOf('room'), BUDGETS.room, 'lower'),
      goal('engine without elements, bytes of gzip', gzipOf('engine'), BUDGETS.engine, 'lower'),
    ],
  };
}

await runBench({ rounds: 1, seed: 0 }, measure);
