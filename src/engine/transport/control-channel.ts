/** The data channel for what peers say to each other once they are connected: sealed payloads, whole, in order. */
import type { Bytes } from '../protocol/bytes.ts';

/** The largest payload: a handshake header and the largest bucket, with room to spare. */
const PAYLOAD_MAX_BYTES = 48 * 1024;
/** A peer that does not read: what is more goes another way. */
const BUFFERED_MAX_BYTES = 256 * 1024;

export type ControlChannelOptions = {
  /** Ends listening. */
  readonly signal: AbortSignal;
  onMessage(payload: Bytes): void;
  onClosed(): void;
  onDropped(reason: string): void;
};

export class ControlChannel {
  readonly #channel: RTCDataChannel;

  constructor(connection: RTCPeerConnection, options: ControlChannelOptions) {
    const { signal } = options;
    this.#channel = connection.createDataChannel('control', { negotiated: true, id: 0 });
    this.#channel.binaryType = 'arraybuffer';
    this.#channel.addEventListener('close', () => options.onClosed(), { signal });
    this.#channel.addEventListener(
      'message',
      ({ data }: MessageEvent<unknown>) => {
        const isPayload = data instanceof ArrayBuffer && data.byteLength <= PAYLOAD_MAX_BYTES;
        if (isPayload) options.onMessage(new Uint8Array(data));
        else options.onDropped('malformed');
      },
      { signal },
    );
  }

  /** `false` where it is not open, or the peer is behind. */
  send(payload: Bytes): boolean {
    if (this.#channel.readyState !== 'open' || this.#channel.bufferedAmount > BUFFERED_MAX_BYTES) return false;
    try {
      this.#channel.send(payload);
      return true;
    } catch {
      // closing at this moment, or longer than the peer takes: there is the relay
      return false;
    }
  }
}
