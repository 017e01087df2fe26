/** The links of one session: opens, feeds and closes them, and turns their reports into events. */
import type { Hiding } from './hiding.ts';
import { cameraEncoding } from './media/quality.ts';
import { RemoteTracks } from './media/remote-tracks.ts';
import type { DevicePort, FramePort, LinkPort, Ports } from './ports.ts';
import type { Bytes } from './protocol/bytes.ts';
import { turnOnly } from './protocol/ice-server.ts';
import type { IceServer } from './protocol/ice-server.ts';
import { iceUrlHost } from './protocol/ice-url.ts';
import type { PeerId } from './protocol/ids.ts';
import { PUBLICATION_KINDS, isStandby } from './protocol/peer.ts';
import type { PublicationKind } from './protocol/peer.ts';
import type { RoomEvent } from './room/events.ts';
import { isExposed } from './stats.ts';
import type { PeerLinkOptions } from './transport/peer-link.ts';

export type LinksOptions = {
  readonly openLink: Ports['openLink'];
  readonly devices: DevicePort;
  readonly frames: FramePort;
  readonly hiding: Hiding;
  /** What the handshake with this peer has named: SHA-256 of its DTLS certificate. */
  peerFingerprint(peerId: PeerId): Bytes | undefined;
  /** Before the connection has anything to seal or open: what the worker calls it; `undefined`: it must not open. */
  onOpen(peerId: PeerId, generation: number): string | undefined;
  onClosed(peerId: PeerId, generation: number): void;
  onMessage(peerId: PeerId, payload: Bytes): void;
  onEvent(event: RoomEvent): void;
  onDropped(reason: string): void;
};

/** What the browser says of one connection. */
export type LinkReport = { readonly peerId: PeerId; readonly open: OpenLink; readonly report: RTCStatsReport };

export type OpenLink = {
  /** The worker's. */
  readonly name: string;
  readonly generation: number;
  readonly link: LinkPort;
  /** No address of ours goes over it. */
  readonly isHidden: boolean;
  /** Frames came on it, and have ceased: what is to be said quickly goes another way. */
  isStalled: boolean;
};

/** Of two connections to one peer the first, or the standby (FO1). */
type Ways = { readonly link?: OpenLink; readonly standby?: OpenLink };
type WayName = keyof Ways;

export class Links {
  readonly #options: LinksOptions;
  readonly #links = new Map<PeerId, Ways>();
  /** Peers that something can be sent to: those that the relay only lists must not cost the others their picture. */
  readonly #reached = new Set<PeerId>();
  readonly #remoteTracks = new RemoteTracks();
  #iceServers: readonly IceServer[] = [];
  #certificate: RTCCertificate | undefined;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  get iceHosts(): number {
    return this.#usedServers.length;
  }

  /** Names or addresses, each once. */
  get iceHostNames(): readonly string[] {
    const hosts = this.#usedServers.flatMap(({ urls }) => urls.map(iceUrlHost));
    return [...new Set(hosts)];
  }

  /** For links opened from now on, and for those that stand when they are restarted. */
  setIceServers(servers: readonly IceServer[]): void {
    if (JSON.stringify(servers) === JSON.stringify(this.#iceServers)) return;
    this.#iceServers = servers;
    const used = this.#usedServers;
    // one that is not hidden is about to be closed where others are
    for (const { link } of this.#all()) link.setIceServers(used);
    if (turnOnly(servers).length > 0) this.#options.onEvent({ type: 'turn-found' });
  }

  /** Our DTLS certificate; without one no link opens. */
  setCertificate(certificate: RTCCertificate): void {
    this.#certificate = certificate;
  }

  /** `isIdle`: it sends nothing until it is used. */
  open(peerId: PeerId, generation: number, isIdle = false): void {
    const way: WayName = isStandby(generation) ? 'standby' : 'link';
    this.close(peerId, way);
    const { devices, frames, hiding, onEvent, onDropped, openLink } = this.#options;
    const opening = hiding.open(this.#iceServers, way === 'standby');
    // PR2, FO1: whom nothing would hide sends nothing, and without a TURN host there is no second way
    if (!opening) return onEvent({ type: 'link-barred', peerId, generation });
    const isHidden = opening.path !== undefined;
    const certificate = this.#certificate;
    if (!certificate) {
      onDropped('no-certificate');
      return;
    }
    const on = { peerId, generation };
    const name = this.#options.onOpen(peerId, generation);
    if (name === undefined) return onDropped('no-keys');
    const tracks: { [Kind in PublicationKind]?: MediaStreamTrack } = {};
    for (const kind of PUBLICATION_KINDS) {
      const track = devices.track(kind);
      if (track) tracks[kind] = track;
    }
    const options: PeerLinkOptions = {
      iceServers: opening.servers,
      isRelayed: way === 'standby',
      hidden: opening.path,
      isIdle,
      tracks,
      cameraEncoding: cameraEncoding(this.#reached.size + 1),
      certificate,
      guard: (end, address) => frames.attach(end, { link: name, ...address }),
      peerFingerprint: () => this.#options.peerFingerprint(peerId),
      onWrongCertificate: () => onEvent({ type: 'peer-refused', peerId }),
      onMessage: (payload) => this.#options.onMessage(peerId, payload),
      onOfferMade: (round, sdp) => onEvent({ type: 'offer-made', ...on, round, sdp }),
      onOfferAccepted: (round, sdp) => onEvent({ type: 'offer-accepted', ...on, round, sdp }),
      onAnswerAccepted: (round) => onEvent({ type: 'answer-accepted', ...on, round }),
      onFailed: (work, round) => onEvent({ type: 'negotiation-failed', ...on, work, round }),
      onCandidates: (candidates) => onEvent({ type: 'candidates-found', ...on, candidates }),
      onTransport: (transport) => {
        if (transport === 'connected') this.#reached.add(peerId);
        this.#shareUplink();
        onEvent({ type: 'transport-changed', ...on, transport });
        if (transport === 'connected' && isHidden) void this.stats();
      },
      onEndedByPeer: () => onEvent({ type: 'ended-by-peer', ...on }),
      onTrack: (kind, track) =>
        onEvent({ type: 'remote-track', ...on, kind, trackId: this.#remoteTracks.add(name, track) }),
      onDropped,
    };
    try {
      const open: OpenLink = { name, generation, link: openLink(options), isHidden, isStalled: false };
      this.#links.set(peerId, { ...this.#links.get(peerId), [way]: open });
    } catch {
      this.#options.onClosed(peerId, generation);
      // The browser refuses the ICE servers. The room finds no link standing, tries again, and tells.
      onDropped('link-refused');
    }
    this.#shareUplink();
  }

  /** The link of that generation; `undefined` once it was closed or replaced. */
  get(peerId: PeerId, generation: number): LinkPort | undefined {
    return this.#find(peerId, generation)?.link;
  }

  /** Our sound and picture go over this one; `isOnly`: and over no other. */
  use(peerId: PeerId, generation: number, isOnly: boolean): void {
    const used = this.#find(peerId, generation);
    if (!used) return;
    used.link.setIdle(false);
    for (const open of this.#waysOf(peerId)) if (open !== used && isOnly) open.link.setIdle(true);
  }

  /** By the worker's name for it. */
  named(name: string): (OpenLink & { readonly peerId: PeerId }) | undefined {
    for (const peerId of this.#links.keys()) {
      for (const open of this.#waysOf(peerId)) if (open.name === name) return { ...open, peerId };
    }
    return undefined;
  }

  /** Straight to the peer; `false` where no connection can take it now. */
  send(peerId: PeerId, payload: Bytes): boolean {
    const ways = [...this.#waysOf(peerId)].sort((a, b) => Number(a.isStalled) - Number(b.isStalled));
    return ways.some(({ link }) => link.send(payload));
  }

  /** Nothing is sent to this peer any more, on none of its connections. */
  silence(peerId: PeerId): void {
    for (const { link } of this.#waysOf(peerId)) link.silence();
  }

  /** The worker: frames have begun to come on this link, or on one of its streams, or have ceased. */
  flow(name: string, isFlowing: boolean, stream?: number): void {
    const found = this.named(name);
    const open = found && this.#find(found.peerId, found.generation);
    if (!open || !found) return;
    if (stream === undefined) open.isStalled = !isFlowing;
    const kind = stream === undefined ? undefined : PUBLICATION_KINDS[stream];
    const { peerId, generation } = found;
    this.#options.onEvent({ type: 'frames-flow', peerId, generation, isFlowing, ...(kind && { kind }) });
  }

  /** The worker is gone, and all keys with it: every connection is made anew. */
  loseAll(): void {
    for (const [peerId, ways] of this.#links) {
      this.close(peerId, 'standby');
      this.close(peerId, 'link');
      // the standby first: nothing is to take over to it
      for (const open of [ways.standby, ways.link]) {
        if (open) this.#options.onEvent({ type: 'ended-by-peer', peerId, generation: open.generation });
      }
    }
  }

  remoteTrack(trackId: string | undefined): MediaStreamTrack | undefined {
    return this.#remoteTracks.get(trackId);
  }

  /** Every link sends this kind's track from now on, or nothing where there is none. */
  publish(kind: PublicationKind): void {
    const track = this.#options.devices.track(kind);
    for (const { link } of this.#all()) link.setTrack(kind, track);
  }

  close(peerId: PeerId, way: WayName): void {
    const { [way]: found, ...others } = this.#links.get(peerId) ?? {};
    if (!found) return;
    this.#links.set(peerId, others);
    if (Object.keys(others).length === 0) {
      this.#links.delete(peerId);
      this.#reached.delete(peerId);
    }
    found.link.close();
    this.#options.onClosed(peerId, found.generation);
    this.#remoteTracks.removeOwner(found.name);
    this.#shareUplink();
  }

  closeAll(): void {
    for (const peerId of this.#links.keys()) for (const way of ['standby', 'link'] as const) this.close(peerId, way);
  }

  /** Whoever asks, what is hidden is looked at (PR9), and how each connection goes is told. The first one of a peer comes first. */
  async stats(): Promise<readonly LinkReport[]> {
    const all = [...this.#links.keys()].flatMap((peerId) =>
      [...this.#waysOf(peerId)].map(async (open): Promise<readonly LinkReport[]> => {
        // a link that is being closed has none any more
        const report = await open.link.stats().catch(() => undefined);
        if (!report) return [];
        const on = { peerId, generation: open.generation };
        if (open.isHidden && isExposed(report)) this.#options.onEvent({ type: 'path-exposed', ...on });
        return [{ peerId, open, report }];
      }),
    );
    return (await Promise.all(all)).flat();
  }

  #find(peerId: PeerId, generation: number): OpenLink | undefined {
    const found = this.#links.get(peerId)?.[isStandby(generation) ? 'standby' : 'link'];
    return found?.generation === generation ? found : undefined;
  }

  *#waysOf(peerId: PeerId): Iterable<OpenLink> {
    const { link, standby } = this.#links.get(peerId) ?? {};
    if (link) yield link;
    if (standby) yield standby;
  }

  *#all(): Iterable<OpenLink> {
    for (const peerId of this.#links.keys()) yield* this.#waysOf(peerId);
  }

  get #usedServers(): readonly IceServer[] {
    return this.#options.hiding.serversOf(this.#iceServers);
  }

  #shareUplink(): void {
    const encoding = cameraEncoding(this.#reached.size);
    for (const { link } of this.#all()) link.setCameraEncoding(encoding);
  }
}
