/** Our own microphone and camera. Asks once for both where both are wanted; tells failures by the closed set of codes. */
import type { ErrorCode } from '../protocol/errors.ts';
import type { PublicationKind } from '../protocol/peer.ts';

export type DeviceHandlers = {
  onLive(kind: PublicationKind, track: MediaStreamTrack): void;
  onFailed(kind: PublicationKind, code: ErrorCode): void;
  /** Unplugged, or taken away by the user or the system. */
  onEnded(kind: PublicationKind, trackId: string): void;
  onDevicesChanged(): void;
};

export type ListedDevice = { readonly deviceId: string; readonly kind: PublicationKind; readonly label: string };

const MEDIA_KINDS = { microphone: 'audio', camera: 'video' } as const;
const INPUT_KINDS: { readonly [kind: string]: PublicationKind } = { audioinput: 'microphone', videoinput: 'camera' };
/** Names of the features in `Permissions-Policy`, as the DOM's own interface for asking spells them. */
type PolicyDocument = Document & { readonly featurePolicy?: { allowsFeature(feature: string): boolean } };

/** What the browser gives for it; `mediaDevices` is missing in an insecure context. */
export type DeviceSources = {
  readonly mediaDevices: MediaDevices | undefined;
  /** The state of that permission, without a question; rejects where the browser cannot say. */
  permissionState(kind: PublicationKind): Promise<PermissionState>;
  /** Whether the page's `Permissions-Policy` lets it; true where the browser cannot say. */
  isAllowedByPolicy(kind: PublicationKind): boolean;
};

export class Devices {
  readonly #handlers: DeviceHandlers;
  readonly #sources: DeviceSources;
  readonly #tracks = new Map<PublicationKind, MediaStreamTrack>();
  readonly #wanted = new Map<PublicationKind, string | undefined>();
  readonly #unlisten = new AbortController();
  #isOpening = false;

  constructor(handlers: DeviceHandlers, sources: DeviceSources = browserSources()) {
    this.#handlers = handlers;
    this.#sources = sources;
    sources.mediaDevices?.addEventListener('devicechange', () => handlers.onDevicesChanged(), {
      signal: this.#unlisten.signal,
    });
  }

  /** Opens that are asked for in one task become one question to the user. */
  open(kind: PublicationKind, deviceId: string | undefined): void {
    this.#wanted.set(kind, deviceId);
    if (this.#isOpening) return;
    this.#isOpening = true;
    queueMicrotask(() => {
      this.#isOpening = false;
      const wanted = new Map(this.#wanted);
      this.#wanted.clear();
      void this.#openAll(wanted);
    });
  }

  close(kind: PublicationKind): void {
    this.#wanted.delete(kind);
    this.#stop(this.#tracks.get(kind));
    this.#tracks.delete(kind);
  }

  mute(kind: PublicationKind, isMuted: boolean): void {
    const track = this.#tracks.get(kind);
    if (track) track.enabled = !isMuted;
  }

  track(kind: PublicationKind): MediaStreamTrack | undefined {
    return this.#tracks.get(kind);
  }

  /** Never asks for permission; labels are empty until it was given. */
  async list(): Promise<readonly ListedDevice[]> {
    const devices = (await this.#sources.mediaDevices?.enumerateDevices()) ?? [];
    return devices.flatMap(({ deviceId, kind, label }) => {
      const inputKind = INPUT_KINDS[kind];
      return inputKind && deviceId !== '' ? [{ deviceId, kind: inputKind, label }] : [];
    });
  }

  dispose(): void {
    this.#unlisten.abort();
    this.#wanted.clear();
    for (const track of this.#tracks.values()) this.#stop(track);
    this.#tracks.clear();
  }

  async #openAll(wanted: ReadonlyMap<PublicationKind, string | undefined>): Promise<void> {
    const { mediaDevices } = this.#sources;
    if (!mediaDevices) {
      for (const kind of wanted.keys()) this.#handlers.onFailed(kind, 'insecure-context');
      return;
    }
    try {
      this.#took(await mediaDevices.getUserMedia(constraintsFor(wanted)));
    } catch (error) {
      for (const [kind, deviceId] of wanted) {
        // One missing or refused device fails both: ask for each alone, so that the other can be had …
        if (wanted.size > 1 && (await this.#mayAskAgain(error, kind))) await this.#openAll(new Map([[kind, deviceId]]));
        else this.#handlers.onFailed(kind, this.#errorCode(error, kind));
      }
    }
  }

  /** … unless that put a question to somebody who has just said no. */
  async #mayAskAgain(error: unknown, kind: PublicationKind): Promise<boolean> {
    if (errorName(error) !== 'NotAllowedError') return true;
    return this.#sources.permissionState(kind).then(
      (state) => state === 'granted',
      () => false,
    );
  }

  /** Names of `getUserMedia`'s errors (Media Capture and Streams §10.3) as ours. */
  #errorCode(error: unknown, kind: PublicationKind): ErrorCode {
    switch (errorName(error)) {
      case 'NotAllowedError':
      case 'SecurityError':
        return this.#sources.isAllowedByPolicy(kind) ? 'permission-denied' : 'permissions-policy';
      case 'NotFoundError':
        return 'device-not-found';
      case 'OverconstrainedError':
        return 'device-constraints';
      default:
        // NotReadableError, AbortError: the device is there, and something else holds it
        return 'device-in-use';
    }
  }

  #took(stream: MediaStream): void {
    for (const track of stream.getTracks()) {
      const kind: PublicationKind = track.kind === 'audio' ? 'microphone' : 'camera';
      if (this.#unlisten.signal.aborted) {
        track.stop();
        continue;
      }
      this.#stop(this.#tracks.get(kind));
      this.#tracks.set(kind, track);
      track.addEventListener('ended', () => this.#ended(kind, track), { signal: this.#unlisten.signal });
      this.#handlers.onLive(kind, track);
    }
  }

  #ended(kind: PublicationKind, track: MediaStreamTrack): void {
    if (this.#tracks.get(kind) === track) this.#handlers.onEnded(kind, track.id);
  }

  #stop(track: MediaStreamTrack | undefined): void {
    // `stop()` fires no `ended` event: that is for endings that nobody here asked for.
    track?.stop();
  }
}

function constraintsFor(wanted: ReadonlyMap<PublicationKind, string | undefined>): MediaStreamConstraints {
  const constraints: MediaStreamConstraints = {};
  for (const [kind, deviceId] of wanted) {
    const device = deviceId === undefined ? {} : { deviceId: { exact: deviceId } };
    constraints[MEDIA_KINDS[kind]] =
      kind === 'microphone'
        ? { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true }
        : { ...device, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  }
  return constraints;
}

function browserSources(): DeviceSources {
  const { mediaDevices, permissions } = globalThis.navigator;
  return {
    mediaDevices,
    permissionState: async (kind) => (await permissions.query({ name: kind })).state,
    isAllowedByPolicy: (kind) => (globalThis.document as PolicyDocument).featurePolicy?.allowsFeature(kind) ?? true,
  };
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}
