/**
 * So much of WebRTC as a link uses, with certificates that are looked at as a browser does: whichever of the fingerprints that a
 * description lists fits the certificate at the other end, the connection stands (RFC 8122 §6.2). No media, no network.
 */
import { createHash } from 'node:crypto';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';

/** A DTLS certificate: any bytes. */
export class FakeCertificate {
  readonly der: Bytes;

  constructor(der: Bytes = globalThis.crypto.getRandomValues(new Uint8Array(64))) {
    this.der = der;
  }

  get fingerprint(): Bytes {
    return new Uint8Array(createHash('sha256').update(this.der).digest());
  }
}

/** `AB:CD:…`, as descriptions have it. */
export function colons(fingerprint: Uint8Array): string {
  return [...fingerprint].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
}

/** A description with a data channel, and these lines about certificates in each of its m-lines. */
export function sdpOf(lines: readonly string[], number = 0): string {
  const media = ['audio', 'video', 'application'].flatMap((kind) => [`m=${kind} 9 UDP/TLS/RTP/SAVPF 0`, ...lines]);
  return ['v=0', 's=-', 't=0 0', ...media, `a=fake:${number}`, ''].join('\r\n');
}

export function fingerprintLine(fingerprint: Uint8Array, hash = 'sha-256'): string {
  return `a=fingerprint:${hash} ${colons(fingerprint)}`;
}

type Description = { readonly type: string; readonly sdp: string };

class FakeChannel extends EventTarget {
  binaryType = 'blob';
  readyState = 'connecting';
  bufferedAmount = 0;
  peer: FakeChannel | undefined;

  send(data: Uint8Array<ArrayBuffer>): void {
    const copy = data.slice().buffer;
    queueMicrotask(() => this.peer?.dispatchEvent(new MessageEvent('message', { data: copy })));
  }
}

class FakeTransceiver {
  mid: string | null = null;
  direction = 'sendrecv';
  readonly sender = {
    replaceTrack: async (): Promise<void> => {},
    getParameters: () => ({ encodings: [{}] }),
    setParameters: async (): Promise<void> => {},
  };
  setCodecPreferences(): void {}
  readonly receiver: { readonly track: { readonly kind: string; readonly id: string } };

  constructor(kind: string) {
    this.receiver = { track: { kind, id: `remote ${kind}` } };
  }
}

export type FakeBrowser = {
  /** Shows certificates of the other side (Firefox does not). */
  readonly showsCertificates?: boolean;
  /** Connects whatever the other side presents: a browser that does not do its work. */
  readonly isLenient?: boolean;
  /** What is presented in the place of the own certificate. */
  readonly presents?: FakeCertificate;
};

export class FakeRtc {
  readonly connections: FakeConnection[] = [];
  browser: FakeBrowser = {};
}

/** The `RTCPeerConnection` of one page; all pages of one `rtc` reach each other. */
export function fakePeerConnection(rtc: FakeRtc): typeof RTCPeerConnection {
  class Connection extends FakeConnection {
    constructor(configuration: { readonly certificates: readonly FakeCertificate[] }) {
      super(rtc, configuration.certificates[0] ?? new FakeCertificate());
    }
  }
  // so much of it as a link uses
  return Connection as unknown as typeof RTCPeerConnection;
}

export class FakeConnection extends EventTarget {
  signalingState = 'stable';
  connectionState = 'new';
  localDescription: Description | undefined;
  remoteDescription: Description | undefined;
  /** Every description of the other side that was acted on. */
  readonly accepted: string[] = [];
  readonly #rtc: FakeRtc;
  readonly #certificate: FakeCertificate;
  readonly #browser: FakeBrowser;
  readonly #number: number;
  readonly #transceivers: FakeTransceiver[] = [];
  readonly #channel = new FakeChannel();
  #remote: FakeCertificate | undefined;

  constructor(rtc: FakeRtc, certificate: FakeCertificate) {
    super();
    this.#rtc = rtc;
    this.#certificate = certificate;
    this.#browser = rtc.browser;
    this.#number = rtc.connections.push(this);
  }

  get sctp(): unknown {
    const remote = this.#remote;
    const getRemoteCertificates = (): ArrayBuffer[] => (remote ? [remote.der.buffer] : []);
    return { transport: this.#browser.showsCertificates === false ? {} : { getRemoteCertificates } };
  }

  createDataChannel(): FakeChannel {
    return this.#channel;
  }

  addTransceiver(trackOrKind: string | { readonly kind: string }): FakeTransceiver {
    const place = new FakeTransceiver(typeof trackOrKind === 'string' ? trackOrKind : trackOrKind.kind);
    this.#transceivers.push(place);
    return place;
  }

  getTransceivers(): readonly FakeTransceiver[] {
    return this.#transceivers;
  }

  async setLocalDescription(): Promise<void> {
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    for (const [i, place] of this.#transceivers.entries()) place.mid ??= String(i);
    this.localDescription = { type, sdp: sdpOf([fingerprintLine(this.#certificate.fingerprint)], this.#number) };
    this.signalingState = type === 'offer' ? 'have-local-offer' : 'stable';
    if (type === 'answer') this.#connect();
  }

  async setRemoteDescription(description: Description): Promise<void> {
    this.accepted.push(description.sdp);
    this.remoteDescription = description;
    if (description.type === 'offer') {
      for (const [i, kind] of ['audio', 'video'].entries()) {
        if (this.#transceivers[i]) continue;
        const transceiver = this.addTransceiver(kind);
        transceiver.mid = String(i);
        this.dispatchEvent(Object.assign(new Event('track'), { transceiver }));
      }
      this.signalingState = 'have-remote-offer';
    } else {
      this.signalingState = 'stable';
      this.#connect();
    }
  }

  async addIceCandidate(): Promise<void> {}

  restartIce(): void {}

  async getStats(): Promise<RTCStatsReport> {
    return new Map() as unknown as RTCStatsReport;
  }

  close(): void {
    this.connectionState = 'closed';
    const { peer } = this.#channel;
    this.#channel.readyState = 'closed';
    queueMicrotask(() => peer?.readyState === 'open' && peer.dispatchEvent(new Event('close')));
  }

  /** Once both sides know each other's description, each looks at what the other presents. */
  #connect(): void {
    const other = this.#rtc.connections[Number(/^a=fake:(\d+)/m.exec(this.remoteDescription?.sdp ?? '')?.[1]) - 1];
    if (!other || other.signalingState !== 'stable' || this.signalingState !== 'stable') return;
    const isGood = this.#trusts(other) && other.#trusts(this);
    for (const [own, peer] of [
      [this, other],
      [other, this],
    ] as const) {
      own.#remote = peer.#presented;
      own.#channel.peer = peer.#channel;
      own.#channel.readyState = isGood ? 'open' : 'closed';
      own.connectionState = isGood ? 'connected' : 'failed';
      queueMicrotask(() => own.dispatchEvent(new Event('connectionstatechange')));
    }
  }

  get #presented(): FakeCertificate {
    return this.#browser.presents ?? this.#certificate;
  }

  #trusts(other: FakeConnection): boolean {
    const line = fingerprintLine(other.#presented.fingerprint);
    return this.#browser.isLenient === true || (this.remoteDescription?.sdp.includes(line) ?? false);
  }
}
