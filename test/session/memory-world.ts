/** Ports behind which there is no world but the test's own: a relay in memory, links and devices that only record. */
import type { DeviceHandlers } from '../../src/engine/media/devices.ts';
import type { DevicePort, LinkPort, Ports, RelayPort } from '../../src/engine/ports.ts';
import type { PeerId, RoomId } from '../../src/engine/protocol/ids.ts';
import type { PublicationKind } from '../../src/engine/protocol/peer.ts';
import type { HandedBundle, PeerPlace, RelayNotification, SealedBundle } from '../../src/engine/protocol/relay.ts';
import { parseToken } from '../../src/engine/protocol/token.ts';
import type { PeerLinkOptions } from '../../src/engine/transport/peer-link.ts';
import type { RelaySocketOptions } from '../../src/engine/transport/relay-socket.ts';

type Member = {
  readonly peerId: PeerId;
  readonly joinNumber: number;
  readonly options: RelaySocketOptions;
  bundle?: { readonly head: string; one_time: string[] };
};

/** One room's relay; delivers at once, keeps every payload that it saw. */
export class MemoryRelay {
  readonly payloads: string[] = [];
  readonly #members = new Map<PeerId, Member>();
  #joins = 0;

  async connect(options: RelaySocketOptions): Promise<void> {
    const token = parseToken(await options.token(1_000));
    if (!token) throw new Error('no token');
    const { peerId } = token.claims;
    const joinNumber = ++this.#joins;
    const others = [...this.#members.values()];
    this.#members.set(peerId, { peerId, joinNumber, options });
    this.#notify(options, {
      method: 'welcome',
      params: {
        room_id: options.roomId,
        peer_id: peerId,
        join_number: joinNumber,
        ep: 'memory',
        peers: others.map((other) => this.#placeOf(other)),
        ice_servers: [],
      },
    });
    const params = { peer_id: peerId, join_number: joinNumber };
    for (const other of others) this.#notify(other.options, { method: 'peer_joined', params });
  }

  publish(options: RelaySocketOptions, bundle: SealedBundle): boolean {
    const owner = this.#memberOf(options);
    if (!owner) return false;
    const isFirst = owner.bundle === undefined;
    owner.bundle = { head: bundle.head, one_time: [...bundle.one_time] };
    const later = [...this.#members.values()].filter((member) => member.joinNumber > owner.joinNumber);
    const params = { peer_id: owner.peerId };
    if (isFirst) for (const member of later) this.#notify(member.options, { method: 'bundle_published', params });
    return true;
  }

  fetch(peerId: PeerId): HandedBundle | undefined {
    const owner = this.#members.get(peerId);
    return owner && this.#handOut(owner);
  }

  forward(options: RelaySocketOptions, to: PeerId, payload: string): boolean {
    this.payloads.push(payload);
    const sender = this.#memberOf(options);
    const target = this.#members.get(to);
    if (!sender || !target) return false;
    this.inject(to, sender.peerId, payload, options.roomId);
    return true;
  }

  /** What a hostile relay can do as well: bring anything to anyone in anybody's name. */
  inject(to: PeerId, from: PeerId, payload: string, roomId: RoomId): void {
    const params = { sender_peer_id: from, room_id: roomId, payload, n: 1, ep: 'memory' };
    const target = this.#members.get(to);
    if (target) this.#notify(target.options, { method: 'relay_message', params });
  }

  leave(options: RelaySocketOptions): void {
    const member = this.#memberOf(options);
    if (!member) return;
    this.#members.delete(member.peerId);
    const params = { peer_id: member.peerId };
    for (const other of this.#members.values()) this.#notify(other.options, { method: 'peer_left', params });
  }

  #placeOf(member: Member): PeerPlace {
    const bundle = this.#handOut(member);
    return { peer_id: member.peerId, join_number: member.joinNumber, ...(bundle && { bundle }) };
  }

  /** Each one-time key once. */
  #handOut({ bundle }: Member): HandedBundle | undefined {
    const one_time = bundle?.one_time.shift();
    return bundle && { head: bundle.head, ...(one_time !== undefined && { one_time }) };
  }

  #memberOf(options: RelaySocketOptions): Member | undefined {
    return [...this.#members.values()].find((member) => member.options === options);
  }

  #notify(options: RelaySocketOptions, notification: RelayNotification): void {
    options.onNotification(notification);
  }
}

export type World = {
  readonly ports: Ports;
  readonly links: { readonly options: PeerLinkOptions; readonly calls: string[] }[];
  readonly released: string[];
  devices: DeviceHandlers | undefined;
  hidePage(): void;
};

/** One page's world. Its links answer every piece of work at once, with an SDP that says who made it. */
export function memoryWorld(relay: MemoryRelay, name: string): World {
  const world: World & { onHide?: () => void } = {
    links: [],
    released: [],
    devices: undefined,
    hidePage: () => world.onHide?.(),
    ports: {
      createDtlsIdentity: async () => ({
        // nothing looks into it here
        certificate: {} as RTCCertificate,
        fingerprint: globalThis.crypto.getRandomValues(new Uint8Array(32)),
      }),
      createClock: () => ({ start: () => {}, stop: () => {}, close: () => void world.released.push('clock') }),
      connectRelay: (options): RelayPort => {
        void relay.connect(options);
        return {
          send: (to, payload) => relay.forward(options, to, payload),
          publish: (bundle) => relay.publish(options, bundle),
          fetchBundle: async (peerId) => relay.fetch(peerId),
          close: () => {
            world.released.push('relay');
            relay.leave(options);
          },
        };
      },
      openLink: (options): LinkPort => {
        const calls: string[] = [];
        world.links.push({ options, calls });
        return {
          makeOffer: (round) => {
            calls.push('make-offer');
            options.onOfferMade(round, `offer of ${name}`);
          },
          acceptOffer: (round, sdp) => {
            calls.push(`accept ${sdp}`);
            options.onOfferAccepted(round, `answer of ${name}`);
            options.onTransport('connected');
          },
          acceptAnswer: (round, sdp) => {
            calls.push(`accept ${sdp}`);
            options.onAnswerAccepted(round);
            options.onTransport('connected');
          },
          addCandidates: () => void calls.push('candidates'),
          setTrack: (kind, track) => void calls.push(`${kind} ${track ? 'on' : 'off'}`),
          setCameraEncoding: ({ maxBitrate }) => void calls.push(`camera ${maxBitrate}`),
          // nothing is connected here: all goes over the relay
          send: () => false,
          stats: async () => new Map() as unknown as RTCStatsReport,
          close: () => void world.released.push('link'),
        };
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
    },
  };
  return world;
}

export function fakeTrack(id: string): MediaStreamTrack {
  return { id, label: id, getSettings: () => ({ deviceId: `device of ${id}` }) } as unknown as MediaStreamTrack;
}
