/** Ports behind which there is no world but the test's own: a relay in memory, links and devices that only record. */
import type { DeviceHandlers } from '../../src/engine/media/devices.ts';
import type { DevicePort, LinkPort, Ports, RelayPort } from '../../src/engine/ports.ts';
import type { PublicationKind } from '../../src/engine/protocol/peer.ts';
import type { CallOutcome } from '../../src/engine/relay-calls.ts';
import type { RelaySocketOptions } from '../../src/engine/transport/relay-socket.ts';
import { MemoryClock } from './memory-clock.ts';
import { MemoryFrames } from './memory-frames.ts';
import { MemoryLink } from './memory-link.ts';
import type { LinkRecord } from './memory-link.ts';
import type { MemoryRelay } from './memory-relay.ts';

export type World = {
  readonly ports: Ports;
  readonly links: LinkRecord[];
  readonly released: string[];
  /** So many messages went to the relay or over a link. */
  readonly sent: number;
  devices: DeviceHandlers | undefined;
  /** Of the session that was made last with these ports. */
  clock: MemoryClock | undefined;
  frames: MemoryFrames | undefined;
  hidePage(): void;
};

export type WorldOptions = {
  /** What is said to a connected peer goes straight there. Without it, everything takes the relay. */
  readonly isDirect?: boolean;
  /** What each connection finds once it has described itself, one after another. */
  readonly candidates?: readonly string[];
  /** What the browser says of each connection. */
  readonly stats?: () => RTCStatsReport;
  /** Ports in the place of those of memory. */
  readonly instead?: Partial<Ports>;
};

/** Of a relay that none of the tests calls but those that put another in its place. */
async function noCalls(): Promise<CallOutcome> {
  return { ok: false, reason: 'method-not-found' };
}

/** One page's world. */
export function memoryWorld(relay: MemoryRelay, name: string, options: WorldOptions = {}): World {
  const { isDirect = false, candidates = [], stats, instead = {} } = options;
  let sent = 0;
  const world: World & { onHide?: () => void } = {
    links: [],
    released: [],
    get sent() {
      return sent;
    },
    devices: undefined,
    clock: undefined,
    frames: undefined,
    hidePage: () => world.onHide?.(),
    ports: {
      createDtlsIdentity: async () => ({
        // nothing looks into it here
        certificate: {} as RTCCertificate,
        fingerprint: globalThis.crypto.getRandomValues(new Uint8Array(32)),
      }),
      startWorker: (handlers) => {
        const clock = new MemoryClock((id) => handlers.onTimer(id));
        const frames = new MemoryFrames(handlers);
        world.clock = clock;
        world.frames = frames;
        return {
          clock: {
            start: (id, delay_ms) => clock.start(id, delay_ms),
            stop: (id) => clock.stop(id),
            close: () => {
              clock.close();
              world.released.push('clock');
            },
          },
          frames,
          every: () => () => {},
        };
      },
      connectRelay: (socket) => {
        const port = connectMemoryRelay(relay, socket, () => world.released.push('relay'));
        return { ...port, send: (to, payload) => port.send(to, payload) && ++sent > 0 };
      },
      openCalls: async () => ({ ask: noCalls, askOpenly: noCalls }),
      pageOrigin: () => 'https://page.test',
      loadHiding: () => import('../../src/engine/transport/hidden-path.ts'),
      openLink: (link): LinkPort => {
        const { wires } = relay;
        const onClosed = (): void => void world.released.push('link');
        const onSent = (): void => void sent++;
        const more = { name, wires, isDirect, candidates, onClosed, onSent, ...(stats && { onStats: stats }) };
        const end = new MemoryLink({ ...link, ...more });
        world.links.push({ options: link, calls: end.calls, link: end });
        return end;
      },
      openDevices: (handlers): DevicePort => {
        world.devices = handlers;
        const tracks = new Map<PublicationKind, MediaStreamTrack>();
        return {
          open: (kind) => {
            const track = fakeTrack(`${name} ${kind}`);
            tracks.set(kind, track);
            handlers.onLive(kind, track);
          },
          close: (kind) => void tracks.delete(kind),
          mute: () => {},
          track: (kind) => tracks.get(kind),
          list: async () => [],
          dispose: () => void world.released.push('devices'),
        };
      },
      watchPage: (onHide) => {
        world.onHide = onHide;
        return () => void world.released.push('page');
      },
      ...instead,
    },
  };
  return world;
}

export function connectMemoryRelay(
  relay: MemoryRelay,
  options: RelaySocketOptions,
  onClose = (): void => {},
): RelayPort {
  void relay.connect(options);
  return {
    send: (to, payload) => relay.forward(options, to, payload),
    publish: (bundle) => relay.publish(options, bundle),
    fetchBundle: async (peerId) => relay.fetch(options, peerId),
    // this relay's rooms have no host: door-relay.ts has
    sayAsHost: async () => undefined,
    knock: () => {},
    close: () => {
      onClose();
      relay.leave(options);
    },
  };
}

export function fakeTrack(id: string): MediaStreamTrack {
  return { id, label: id, getSettings: () => ({ deviceId: `device of ${id}` }) } as unknown as MediaStreamTrack;
}
