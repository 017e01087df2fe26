/**
 * Tells the relay's operator how our first connection came to stand, or that none did (PROTOCOL.md OP4, OP5). Loaded only where
 * the page has said that its user agrees. Two times in five it says something else than the truth, so that of no
 * single report anybody can say what was true; of many together it can be said how many there were.
 */
import { CHANCES, COUNTERS_PATH, formatPathReport, randomisedPath } from './protocol/path-report.ts';
import type { LinkPath } from './protocol/path-report.ts';
import type { Session } from './session-types.ts';

export type PathReportPorts = {
  readonly fetch: typeof globalThis.fetch;
  /** Fills with random bytes. */
  readonly randomBytes: (bytes: Uint8Array<ArrayBuffer>) => void;
};

const PORTS: PathReportPorts = {
  fetch: (...call) => globalThis.fetch(...call),
  randomBytes: (bytes) => void globalThis.crypto.getRandomValues(bytes),
};

export type WatchedSession = Pick<Session, 'view' | 'subscribe' | 'on' | 'getStats'>;

/** Once in the life of a session, whatever happens. Returns the way to stop. `relay`: an address that the session was made with. */
export function reportPath(session: WatchedSession, relay: string, ports: PathReportPorts = PORTS): () => void {
  // wss: → https:, ws: → http:
  const { origin } = new URL(relay.replace(/^ws/, 'http'));
  let isDone = false;
  const stop = (): void => {
    isDone = true;
    unsubscribe();
    unlisten();
  };
  const tell = (truth: LinkPath): void => {
    if (isDone) return;
    stop();
    const body = formatPathReport(randomisedPath(truth, uniform(CHANCES, ports)));
    // Nothing comes of it for the page, whether it arrives or not; and nothing of the browser's identity goes along.
    const init = {
      method: 'POST',
      body,
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
    } as const;
    void ports.fetch(origin + COUNTERS_PATH, { ...init, keepalive: true, redirect: 'error' }).catch(() => undefined);
  };
  const look = async (): Promise<void> => {
    const standing = session.view.participants.find(({ link }) => link === 'connected');
    if (!standing || isDone) return;
    const path = (await session.getStats()).peers[standing.peerId]?.link;
    if (path === 'direct' || path === 'relay') tell(path === 'relay' ? 'relayed' : 'direct');
  };
  // a later change looks again
  const unsubscribe = session.subscribe(() => void look().catch(() => undefined));
  const unlisten = session.on((event) => {
    if (event.type === 'error' && event.code === 'peer-unreachable') tell('failed');
  });
  return stop;
}

/** From 0 to `below` − 1, each equally likely: a byte that would favour some is thrown away. */
function uniform(below: number, { randomBytes }: PathReportPorts): number {
  const byte = new Uint8Array(1);
  do randomBytes(byte);
  while ((byte[0] ?? 0) >= 256 - (256 % below));
  return (byte[0] ?? 0) % below;
}
