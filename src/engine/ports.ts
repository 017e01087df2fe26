/** The narrow doors to the world. The session executes effects through them; tests put their own behind them. */
import type { HidingCode } from './hiding.ts';
import type { DeviceHandlers, Devices } from './media/devices.ts';
import type { Bytes } from './protocol/bytes.ts';
import type { FrameCounts, FrameState, TransformAddress } from './protocol/worker.ts';
import type { RelayCalls, RelayCallsOptions } from './relay-calls.ts';
import type { PeerLink, PeerLinkOptions } from './transport/peer-link.ts';
import type { Every, RelaySocket, RelaySocketOptions } from './transport/relay-socket.ts';

/** The public methods of a class, for others to implement. */
type Face<T> = { readonly [Key in keyof T]: T[Key] };

/** Named timers; starting one again starts it anew. */
export type ClockPort = {
  start(id: string, delay_ms: number): void;
  stop(id: string): void;
  close(): void;
};

/** The worker that seals and opens frames. */
export type FramePort = {
  /** Whether frames can be sealed here. Rejects with a `TaiError`. */
  ready(): Promise<void>;
  /** In the task that made the sender or receiver. Throws where it cannot: nothing may be sent then. */
  attach(end: RTCRtpSender | RTCRtpReceiver, address: TransformAddress): void;
  /** A name for a link that opens, never used before. */
  nameLink(): string;
  setSealKey(link: string, generation: number, key: Bytes): void;
  addOpenKey(link: string, generation: number, key: Bytes): void;
  /** Its keys are forgotten; what still comes through its transforms is dropped. */
  closeLink(link: string): void;
  /** Of all transforms; `undefined` where the worker does not answer. */
  counts(): Promise<readonly FrameCounts[] | undefined>;
  close(): void;
};

export type FrameHandlers = {
  onState(address: TransformAddress, state: FrameState): void;
  /** Frames of the peer have begun to come, or have ceased (FO3): on this link, or those of one of its streams that open. */
  onFlow(link: string, isFlowing: boolean, stream: number | undefined): void;
  /** All keys and transforms are gone: no link sends or receives any more. `isForGood`: nor will any. */
  onLost(isForGood: boolean): void;
};

/** What the session's worker does. */
export type WorkerPort = { readonly clock: ClockPort; readonly frames: FramePort; readonly every: Every };

export type RelayPort = Face<RelaySocket>;
export type CallsPort = Pick<Face<RelayCalls>, 'ask' | 'askOpenly'>;
export type LinkPort = Face<PeerLink>;
export type DevicePort = Face<Devices>;

/** Our DTLS certificate of one session, and its SHA-256 (32 bytes). */
export type DtlsIdentity = { readonly certificate: RTCCertificate; readonly fingerprint: Bytes };

export type Ports = {
  createDtlsIdentity(): Promise<DtlsIdentity>;
  /** `workerUrl`: where the page hosts the worker itself. */
  startWorker(handlers: FrameHandlers & { onTimer(id: string): void }, workerUrl: string | undefined): WorkerPort;
  connectRelay(options: RelaySocketOptions): RelayPort;
  /** Its code comes with the first relay that is called. */
  openCalls(options: RelayCallsOptions): Promise<CallsPort>;
  /** As the browser tells it other hosts. */
  pageOrigin(): string;
  /** Comes where addresses are to be hidden. */
  loadHiding(): Promise<HidingCode>;
  openLink(options: PeerLinkOptions): LinkPort;
  openDevices(handlers: DeviceHandlers): DevicePort;
  /** Calls back when the page is going away; returns the way to stop. */
  watchPage(onHide: () => void): () => void;
};

/** What calls to the relay beside its socket go with. */
export type RelayAccess = {
  token(nowS: number): Promise<string>;
  /** What the operator's door asks for (AD17); `undefined` where the page gives none. Rejects as `askForJwt`. */
  jwt(): Promise<string | undefined>;
  /** By the relay's clock where ours is wrong. */
  now(): number;
};
