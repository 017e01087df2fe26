/** Links that answer every piece of work at once, with an SDP that says who made it and which link it belongs to. */
import type { LinkPort } from '../../src/engine/ports.ts';
import type { IceServer } from '../../src/engine/protocol/relay.ts';
import type { PeerLinkOptions } from '../../src/engine/transport/peer-link.ts';

export type LinkRecord = {
  readonly options: PeerLinkOptions;
  readonly calls: string[];
  readonly link: LinkPort & { stats: LinkPort['stats'] };
};

/** The ends of the links of one relay's room, by number. */
export class MemoryWires {
  readonly #ends = new Map<number, MemoryLink>();

  add(end: MemoryLink): number {
    const number = this.#ends.size + 1;
    this.#ends.set(number, end);
    return number;
  }

  /** The end that has written this SDP. */
  endOf(sdp: string): MemoryLink | undefined {
    return this.#ends.get(Number(/^a=wire:(\d+)$/m.exec(sdp)?.[1]));
  }
}

export type MemoryLinkOptions = PeerLinkOptions & {
  readonly name: string;
  readonly wires: MemoryWires;
  /** Messages can go straight to the peer, as over a data channel. Otherwise everything takes the relay. */
  readonly isDirect: boolean;
  readonly candidates?: readonly string[];
  onClosed(): void;
  onSent?(): void;
  onStats?(): RTCStatsReport;
};

export class MemoryLink implements LinkPort {
  readonly calls: string[] = [];
  readonly #options: MemoryLinkOptions;
  readonly #number: number;
  #peer: MemoryLink | undefined;
  #isOpen = true;
  #isGuarded = false;

  constructor(options: MemoryLinkOptions) {
    this.#options = options;
    this.#number = options.wires.add(this);
  }

  makeOffer(round: number): void {
    this.calls.push('make-offer');
    this.#guard();
    this.#options.onOfferMade(round, this.#describe('offer'));
    this.#findCandidates();
  }

  repeatOffer(round: number): void {
    this.calls.push('repeat-offer');
    this.#options.onOfferMade(round, this.#describe('offer'));
  }

  repeatAnswer(round: number): void {
    this.calls.push('repeat-answer');
    this.#options.onOfferAccepted(round, this.#describe('answer'));
  }

  acceptOffer(round: number, sdp: string): void {
    this.#accept(sdp);
    this.#guard();
    this.#options.onOfferAccepted(round, this.#describe('answer'));
    this.#findCandidates();
    this.#options.onTransport('connected');
  }

  acceptAnswer(round: number, sdp: string): void {
    this.#accept(sdp);
    this.#options.onAnswerAccepted(round);
    this.#options.onTransport('connected');
  }

  addCandidates(): void {
    this.calls.push('candidates');
  }

  setTrack(kind: string, track: MediaStreamTrack | undefined): void {
    this.calls.push(`${kind} ${track ? 'on' : 'off'}`);
  }

  setSealed(kind: string): void {
    this.calls.push(`${kind} sealed`);
  }

  setIdle(isIdle: boolean): void {
    this.calls.push(isIdle ? 'idle' : 'used');
  }

  silence(): void {
    this.calls.push('silence');
  }

  setIceServers(servers: readonly IceServer[]): void {
    this.calls.push(`servers ${servers.flatMap(({ urls }) => urls).join(' ')}`);
  }

  setCameraEncoding({ maxBitrate }: RTCRtpEncodingParameters): void {
    this.calls.push(`camera ${maxBitrate}`);
  }

  send(payload: Uint8Array<ArrayBuffer>): boolean {
    const peer = this.#peer;
    if (!this.#options.isDirect || !this.#isOpen || !peer || !peer.#isOpen || peer.#peer !== this) return false;
    this.#options.onSent?.();
    queueMicrotask(() => peer.#isOpen && peer.#options.onMessage(payload));
    return true;
  }

  async stats(): Promise<RTCStatsReport> {
    return this.#options.onStats?.() ?? (new Map() as unknown as RTCStatsReport);
  }

  /** As of a data channel, the peer notices. */
  close(): void {
    const peer = this.#peer;
    if (this.#options.isDirect && this.#isOpen && peer && peer.#peer === this) {
      queueMicrotask(() => peer.#isOpen && peer.#options.onEndedByPeer());
    }
    this.#isOpen = false;
    this.#options.onClosed();
  }

  #findCandidates(): void {
    for (const candidate of this.#options.candidates ?? []) {
      this.#options.onCandidates([{ candidate, sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null }]);
    }
  }

  /** A place for sound and one for pictures, once. */
  #guard(): void {
    if (this.#isGuarded) return;
    this.#isGuarded = true;
    for (const stream of [0, 1]) {
      this.#options.guard({} as RTCRtpSender, { stream, side: 'seal' });
      this.#options.guard({} as RTCRtpReceiver, { stream, side: 'open' });
    }
  }

  #accept(sdp: string): void {
    this.calls.push(`accept ${sdp.split('\r\n')[0]}`);
    this.#peer = this.#options.wires.endOf(sdp);
  }

  #describe(type: string): string {
    return `${type} of ${this.#options.name}\r\na=wire:${this.#number}`;
  }
}
