/** The links of one session: opens, feeds and closes them, and turns their reports into events. */
import type { Hiding } from './hiding.ts';
import { cameraEncoding } from './media/quality.ts';
import { RemoteTracks } from './media/remote-tracks.ts';
import type { DevicePort, FramePort, LinkPort, Ports } from './ports.ts';
import type { Bytes } from './protocol/bytes.ts';
import { iceUrlHost } from './protocol/ice-url.ts';
import type { PeerId } from './protocol/ids.ts';
import { PUBLICATION_KINDS } from './protocol/peer.ts';
import type { PublicationKind } from './protocol/peer.ts';
import type { IceServer } from './protocol/relay.ts';
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
export type LinkReport = { readonly report: RTCStatsReport; readonly name: string };

export type OpenLink = {
  readonly name: string;
  readonly generation: number;
  readonly link: LinkPort;
  /** No address of ours goes over it. */
  readonly isHidden: boolean;
};

export class Links {
  readonly #options: LinksOptions;
  readonly #links = new Map<PeerId, OpenLink>();
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
    const { hiding, onEvent } = this.#options;
    const used = this.#usedServers;
    // one that is not hidden is about to be closed where others are
    for (const { link } of this.#links.values()) link.setIceServers(used);
    if (hiding.isOn && used.length > 0) onEvent({ type: 'turn-found' });
  }

  /** Our DTLS certificate; without one no link opens. */
  setCertificate(certificate: RTCCertificate): void {
    this.#certificate = certificate;
  }

  open(peerId: PeerId, generation: number): void {
    this.close(peerId);
    const { devices, frames, hiding, onEvent, onDropped, openLink } = this.#options;
    const opening = hiding.open(this.#iceServers);
    // PR2: whom nothing would hide sends nothing
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
      hidden: opening.path,
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
        onEvent({ type: 'remote-track', ...on, kind, trackId: this.#remoteTracks.add(peerId, track) }),
      onDropped,
    };
    try {
      this.#links.set(peerId, { name, generation, link: openLink(options), isHidden });
    } catch {
      this.#options.onClosed(peerId, generation);
      // The browser refuses the ICE servers. The room finds no link standing, tries again, and tells.
      onDropped('link-refused');
    }
    this.#shareUplink();
  }

  /** The link of that generation; `undefined` once it was closed or replaced. */
  get(peerId: PeerId, generation: number): LinkPort | undefined {
    const found = this.#links.get(peerId);
    return found?.generation === generation ? found.link : undefined;
  }

  /** By the worker's name for it. */
  named(name: string): (OpenLink & { readonly peerId: PeerId }) | undefined {
    for (const [peerId, open] of this.#links) if (open.name === name) return { ...open, peerId };
    return undefined;
  }

  /** Straight to the peer; `false` where no connection can take it now. */
  send(peerId: PeerId, payload: Bytes): boolean {
    return this.#links.get(peerId)?.link.send(payload) ?? false;
  }

  /** The worker is gone, and all keys with it: every connection is made anew. */
  loseAll(): void {
    for (const [peerId, { generation }] of this.#links) {
      this.close(peerId);
      this.#options.onEvent({ type: 'ended-by-peer', peerId, generation });
    }
  }

  remoteTrack(trackId: string | undefined): MediaStreamTrack | undefined {
    return this.#remoteTracks.get(trackId);
  }

  /** Every link sends this kind's track from now on, or nothing where there is none. */
  publish(kind: PublicationKind): void {
    const track = this.#options.devices.track(kind);
    for (const { link } of this.#links.values()) link.setTrack(kind, track);
  }

  close(peerId: PeerId): void {
    const found = this.#links.get(peerId);
    if (!found) return;
    this.#links.delete(peerId);
    this.#reached.delete(peerId);
    found.link.close();
    this.#options.onClosed(peerId, found.generation);
    this.#remoteTracks.removeOwner(peerId);
    this.#shareUplink();
  }

  closeAll(): void {
    for (const peerId of this.#links.keys()) this.close(peerId);
  }

  /** Whoever asks, what is hidden is looked at (PR9). */
  async stats(): Promise<ReadonlyMap<PeerId, LinkReport>> {
    const reports = new Map<PeerId, LinkReport>();
    await Promise.all(
      [...this.#links].map(async ([peerId, { link, name, generation, isHidden }]) => {
        // a link that is being closed has none any more
        const report = await link.stats().catch(() => undefined);
        if (report) reports.set(peerId, { report, name });
        if (report && isHidden && isExposed(report)) {
          this.#options.onEvent({ type: 'path-exposed', peerId, generation });
        }
      }),
    );
    return reports;
  }

  get #usedServers(): readonly IceServer[] {
    return this.#options.hiding.serversOf(this.#iceServers);
  }

  #shareUplink(): void {
    const encoding = cameraEncoding(this.#reached.size);
    for (const { link } of this.#links.values()) link.setCameraEncoding(encoding);
  }
}
