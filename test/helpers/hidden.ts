/** What a browser learns of another's addresses: by what it was told, by what its statistics name, and by what came to its sockets. */
import type { TestPage } from './browsers.ts';
import type { Coturn } from './coturn.ts';
import type { Capture } from './loopback.ts';

/** Where coturn relays from: an address and ports that no browser has. Linux gives sockets ports below these by itself. */
export const RELAYED = { ip: '127.0.0.2', ports: [61_000, 65_000] } as const;

export function isRelayedPort(port: number): boolean {
  return port >= RELAYED.ports[0] && port <= RELAYED.ports[1];
}

type Watched = { readonly connections: RTCPeerConnection[]; readonly heard: string[]; readonly found: string[] };
type Watching = { watched?: Watched };

/** A script of the page, before the room's: keeps connections, what they are told, and the candidates that they find. */
export const WATCH = `<script>(${(() => {
  const watched: Watched = { connections: [], heard: [], found: [] };
  Object.assign(globalThis, { watched });
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      watched.connections.push(this);
      this.addEventListener('icecandidate', ({ candidate }) => candidate && watched.found.push(candidate.candidate));
    }
    override setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      watched.heard.push(description.sdp ?? '');
      return super.setRemoteDescription(description);
    }
    override addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void> {
      watched.heard.push(candidate?.candidate ?? '');
      return super.addIceCandidate(candidate);
    }
  };
}).toString()})()</script>`;

type Leaking = RTCPeerConnection & { addLeaked(candidate: RTCIceCandidateInit): Promise<void> };

/**
 * Another one: a browser that does not do what it is told, and says that it does. It asks no TURN host, and takes no candidate that the
 * room gives it, so that there is no way but the one that the test plants.
 */
export const LEAK = `<script>(${(() => {
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super({ ...configuration, iceTransportPolicy: 'all', iceServers: [] });
    }
    override getConfiguration(): RTCConfiguration {
      return { ...super.getConfiguration(), iceTransportPolicy: 'relay' };
    }
    override setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      const sdp = description.sdp?.replace(/^a=candidate:.*\r\n/gm, '');
      return super.setRemoteDescription({ type: description.type, ...(sdp !== undefined && { sdp }) });
    }
    override addIceCandidate(): Promise<void> {
      return Promise.resolve();
    }
    addLeaked(candidate: RTCIceCandidateInit): Promise<void> {
      return super.addIceCandidate(candidate);
    }
  };
}).toString()})()</script>`;

/** In the page: all that its connections were told, one text a description or candidate. */
export function heardTexts(): readonly string[] {
  return (globalThis as Watching).watched?.heard ?? [];
}

/** In the page: of its own host candidates. */
export function ownHostCandidates(): readonly string[] {
  const found = (globalThis as Watching).watched?.found ?? [];
  return found.filter((text) => text.includes(' typ host') && / udp /i.test(text));
}

/** In a page that leaks, whatever the room does: whether there was a connection that took these. */
export function plantLeak(candidates: readonly string[]): boolean {
  for (const connection of ((globalThis as Watching).watched?.connections ?? []) as Leaking[]) {
    if (connection.connectionState === 'closed' || !connection.remoteDescription || candidates.length === 0) continue;
    const sdpMid = connection.getTransceivers()[0]?.mid ?? '0';
    for (const candidate of candidates) {
      // a name that nobody here resolves stands for an address of this machine
      // not awaited: a connection that closes meanwhile never answers (W3C WebRTC, "chain")
      void connection
        .addLeaked({ candidate: candidate.replace(/\S+\.local /, '127.0.0.1 '), sdpMid })
        .catch(() => undefined);
    }
    return true;
  }
  return false;
}

/** In the page: ports of the others' candidates that its connections have tried, those that were never told among them. */
export async function portsOfOthers(): Promise<readonly number[]> {
  const ports: number[] = [];
  for (const connection of (globalThis as Watching).watched?.connections ?? []) {
    // one that is closed has none, and in Firefox one that is closed meanwhile never answers
    const isClosed = async (): Promise<ReadonlyMap<string, unknown>> => {
      while (connection.connectionState !== 'closed') await new Promise((resolve) => setTimeout(resolve, 20));
      return new Map();
    };
    const report = await Promise.race([isClosed(), connection.getStats()]);
    for (const entry of report.values() as Iterable<{ type: string; port?: number }>) {
      if (entry.type === 'remote-candidate' && entry.port !== undefined) ports.push(entry.port);
    }
  }
  return ports;
}

/** In the page: how many of its connections are not closed, and of those that are, none matters any more. */
export function openConnections(): number {
  const connections = (globalThis as Watching).watched?.connections ?? [];
  return connections.filter(({ connectionState }) => connectionState !== 'closed').length;
}

/** What tells the peer an address or a port of the hider's own; none, where all is well. */
export async function leaksTo(
  peer: TestPage,
  coturn: Coturn,
  capture: Capture | undefined,
): Promise<readonly string[]> {
  const leaks: string[] = [];
  for (const text of await peer.evaluate(heardTexts)) {
    for (const line of text.split(/\r?\n/)) {
      const candidate = line.startsWith('a=') ? line.slice(2) : line;
      if (candidate.startsWith('candidate:')) {
        const [, , , , ip, port] = candidate.split(' ');
        const isGood =
          ip === RELAYED.ip && isRelayedPort(Number(port)) && / typ relay raddr 0\.0\.0\.0 rport 9/.test(candidate);
        if (!isGood) leaks.push(`told: ${line}`);
      } else if (/\d+\.\d+\.\d+\.\d+/.test(line.replaceAll('0.0.0.0', ''))) leaks.push(`told: ${line}`);
    }
  }
  for (const port of await peer.evaluate(portsOfOthers)) if (!isRelayedPort(port)) leaks.push(`tried: ${port}`);
  const own = (await peer.evaluate(ownHostCandidates)).map((text) => Number(text.split(' ')[5]));
  const strangers = new Set<number>();
  for (const { from, to } of capture?.packets() ?? []) {
    if (own.includes(to) && from !== coturn.port && !isRelayedPort(from)) strangers.add(from);
  }
  for (const port of strangers) leaks.push(`came: from ${port}`);
  return leaks;
}

/** Datagrams that came to the peer's own sockets: without any, a capture shows nothing. */
export async function arrivals(peer: TestPage, capture: Capture): Promise<number> {
  const own = (await peer.evaluate(ownHostCandidates)).map((text) => Number(text.split(' ')[5]));
  return capture.packets().filter(({ to }) => own.includes(to)).length;
}
