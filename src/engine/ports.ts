/** The narrow doors to the world. The session executes effects through them; tests put their own behind them. */
import type { DeviceHandlers, Devices } from './media/devices.ts';
import type { Bytes } from './protocol/bytes.ts';
import type { PeerLink, PeerLinkOptions } from './transport/peer-link.ts';
import type { RelaySocket, RelaySocketOptions } from './transport/relay-socket.ts';

/** The public methods of a class, for others to implement. */
type Face<T> = { readonly [Key in keyof T]: T[Key] };

/** Named timers; starting one again starts it anew. */
export type ClockPort = {
  start(id: string, delay_ms: number): void;
  stop(id: string): void;
  close(): void;
};

export type RelayPort = Face<RelaySocket>;
export type LinkPort = Face<PeerLink>;
export type DevicePort = Face<Devices>;

/** Our DTLS certificate of one session, and its SHA-256 (32 bytes). */
export type DtlsIdentity = { readonly certificate: RTCCertificate; readonly fingerprint: Bytes };

export type Ports = {
  createDtlsIdentity(): Promise<DtlsIdentity>;
  /** `workerUrl`: where the page hosts the clock worker itself. */
  createClock(onTimer: (id: string) => void, workerUrl: string | undefined): ClockPort;
  connectRelay(options: RelaySocketOptions): RelayPort;
  openLink(options: PeerLinkOptions): LinkPort;
  openDevices(handlers: DeviceHandlers): DevicePort;
  /** Calls back when the page is going away; returns the way to stop. */
  watchPage(onHide: () => void): () => void;
};
