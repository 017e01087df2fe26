/**
 * Somebody at the doors of the session's worker: a script that runs there before ours, and changes frames after they were
 * sealed, or before they are. What a participant can do who writes a browser of his own. It is told what to do, and asked what
 * it has done, over a BroadcastChannel.
 */

/**
 * - `plaintext`: frames as they were before they were sealed.
 * - `replayed`: some frames carry what an earlier one has carried.
 * - `swapped`: sound carries what was sealed as picture, and the other way round.
 * - `moved`: frames for one peer carry what was sealed for the other.
 * - `unknown-kid`: the KID is that of a generation that nobody has.
 * - `other-kid`: the KID is that of the other stream.
 * - `foreign-key`: sealed under another key than the peer was told, from the next key on.
 * - `altered`: the last byte is another.
 * - `cut`: not even a header and a tag are left.
 */
export type Attack =
  | 'plaintext'
  | 'replayed'
  | 'swapped'
  | 'moved'
  | 'unknown-kid'
  | 'other-kid'
  | 'foreign-key'
  | 'altered'
  | 'cut';

/** What was done until something else was asked for. `since`: when the first frame was changed, by the machine's clock; 0 = none yet. */
export type Tampering = { readonly frames: number; readonly since: number };

/** For the worker. */
export const TAMPER_SCRIPT = `(${String(tamper)})();\n`;
/** For the worker: every fifth frame of sound is made empty before it is sealed, and before it is opened. */
export const EMPTYING_SCRIPT = `(${String(emptyFrames)})();\n`;

function tamper(): void {
  type Frame = RTCEncodedVideoFrame | RTCEncodedAudioFrame;
  type Address = { readonly link: string; readonly stream: number; readonly side: string };
  type Transformer = EventTarget & { readonly options: Address; readonly readable: object; readonly writable: object };
  const channel = new BroadcastChannel('frame-tamper');
  let attack = '';
  let frames = 0;
  let since = 0;
  channel.addEventListener('message', ({ data }: MessageEvent<{ readonly attack: string }>) => {
    channel.postMessage({ frames, since });
    attack = data.attack;
    frames = 0;
    since = 0;
  });
  // the worker's own listener gets the same bytes
  addEventListener('message', ({ data }: MessageEvent<{ readonly type?: string; readonly key?: Uint8Array }>) => {
    if (attack !== 'foreign-key' || data?.type !== 'seal-key' || !data.key) return;
    data.key.fill(7);
    count();
  });

  const addresses = new WeakMap<object, Address>();
  addEventListener('rtctransform', (event) => {
    const { options, readable, writable } = (event as Event & { readonly transformer: Transformer }).transformer;
    addresses.set(readable, options);
    addresses.set(writable, options);
  });
  const { getReader } = ReadableStream.prototype;
  ReadableStream.prototype.getReader = function (this: ReadableStream, options?: ReadableStreamGetReaderOptions) {
    const reader = getReader.call(this, options);
    const address = addresses.get(this);
    if (address) addresses.set(reader, address);
    return reader;
  } as typeof getReader;
  const { getWriter } = WritableStream.prototype;
  WritableStream.prototype.getWriter = function (this: WritableStream) {
    const writer = getWriter.call(this);
    const address = addresses.get(this);
    if (address) addresses.set(writer, address);
    return writer;
  };

  const plain = new WeakMap<Frame, ArrayBuffer>();
  const { read } = ReadableStreamDefaultReader.prototype;
  ReadableStreamDefaultReader.prototype.read = async function (this: ReadableStreamDefaultReader) {
    const result = await read.call(this);
    const frame = result.value as Frame | undefined;
    if (frame && addresses.get(this)?.side === 'seal') plain.set(frame, frame.data.slice(0));
    return result;
  };
  const { write } = WritableStreamDefaultWriter.prototype;
  WritableStreamDefaultWriter.prototype.write = function (this: WritableStreamDefaultWriter, chunk?: unknown) {
    const frame = chunk as Frame;
    const address = addresses.get(this);
    if (address?.side === 'seal' && frame.data.byteLength > 0) {
      const changed = changedFrame(frame, address);
      if (changed) {
        count();
        frame.data = changed.slice().buffer;
      }
    }
    return write.call(this, chunk);
  };

  /** What was sealed last, by link and stream. */
  const latest = new Map<string, Uint8Array>();
  const written = new Map<string, number>();

  function count(): void {
    frames += 1;
    since ||= Date.now();
  }

  /** VP8 and Opus: the test offers nothing else. */
  function clearLength(data: Uint8Array, isVideo: boolean): number {
    if (!isVideo) return 0;
    return ((data[0] ?? 0) & 1) === 0 ? 10 : 1;
  }

  /** The KID's bytes, without the first one: `change` gets where they begin and end. */
  function withKid(
    data: Uint8Array,
    clear: number,
    change: (copy: Uint8Array, first: number, end: number) => void,
  ): Uint8Array {
    const copy = data.slice();
    const length = (((copy[clear] ?? 0) >> 4) & 7) + 1;
    change(copy, clear + 1, clear + 1 + length);
    return copy;
  }

  /** `undefined`: as it is. */
  function changedFrame(frame: Frame, { link, stream }: Address): Uint8Array | undefined {
    const sealed = new Uint8Array(frame.data.slice(0));
    const isVideo = stream === 1;
    const clear = clearLength(sealed, isVideo);
    const name = `${link}/${stream}`;
    const before = latest.get(name);
    latest.set(name, sealed);
    const number = (written.get(name) ?? 0) + 1;
    written.set(name, number);
    switch (attack) {
      case 'plaintext':
        return new Uint8Array(plain.get(frame) ?? new ArrayBuffer(0));
      case 'replayed':
        return number % 3 === 0 ? before : undefined;
      case 'swapped': {
        const other = latest.get(`${link}/${1 - stream}`);
        if (!other) return undefined;
        // in front of it what this stream's packets need, so that it comes to be opened
        const body = other.subarray(clearLength(other, !isVideo));
        const swapped = new Uint8Array(clear + body.length);
        swapped.set(sealed.subarray(0, clear));
        swapped.set(body, clear);
        return swapped;
      }
      case 'moved':
        for (const [each, data] of latest) if (each !== name && each.endsWith(`/${stream}`)) return data;
        return undefined;
      case 'unknown-kid':
        return withKid(sealed, clear, (copy, first) => (copy[first] = (copy[first] ?? 0) ^ 0x40));
      case 'other-kid':
        return withKid(sealed, clear, (copy, _, end) => (copy[end - 1] = (copy[end - 1] ?? 0) ^ 8));
      case 'altered': {
        const altered = sealed.slice();
        altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
        return altered;
      }
      case 'cut':
        return sealed.slice(0, clear + 8);
      default:
        return undefined;
    }
  }
}

function emptyFrames(): void {
  type Frame = RTCEncodedVideoFrame | RTCEncodedAudioFrame;
  const channel = new BroadcastChannel('frame-emptying');
  const emptied = new WeakSet<object>();
  const counts = { emptied: 0, passedEmpty: 0, passedFull: 0 };
  let isOn = false;
  channel.addEventListener('message', () => {
    isOn = true;
    channel.postMessage(counts);
  });
  let frames = 0;
  const { read } = ReadableStreamDefaultReader.prototype;
  ReadableStreamDefaultReader.prototype.read = async function (this: ReadableStreamDefaultReader) {
    const result = await read.call(this);
    const frame = result.value as Frame | undefined;
    const isSound = frame !== undefined && (frame.getMetadata() as { mimeType?: string }).mimeType === 'audio/opus';
    if (isOn && isSound && (frames += 1) % 5 === 0) {
      frame.data = new ArrayBuffer(0);
      emptied.add(frame);
      counts.emptied += 1;
    }
    return result;
  };
  const { write } = WritableStreamDefaultWriter.prototype;
  WritableStreamDefaultWriter.prototype.write = function (this: WritableStreamDefaultWriter, chunk?: unknown) {
    if (emptied.has(chunk as object)) {
      if ((chunk as Frame).data.byteLength === 0) counts.passedEmpty += 1;
      else counts.passedFull += 1;
    }
    return write.call(this, chunk);
  };
}

/** In the page: from now on this is done to every frame that leaves; `''` = nothing. Resolves with what was done before. */
export function attacks(attack: string): Promise<Tampering> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel('frame-tamper');
    channel.addEventListener('message', ({ data }: MessageEvent<Tampering>) => {
      channel.close();
      resolve(data);
    });
    channel.postMessage({ attack });
  });
}

/** Of the frames that were made empty, those that went on as they were, and those that did not. */
export type Emptying = { readonly emptied: number; readonly passedEmpty: number; readonly passedFull: number };

/** In the page: the worker begins with it, and tells. */
export function emptying(): Promise<Emptying> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel('frame-emptying');
    channel.addEventListener('message', ({ data }: MessageEvent<Emptying>) => {
      channel.close();
      resolve(data);
    });
    channel.postMessage('tell');
  });
}

/** In the page: whether so many frames were made empty. */
export function hasEmptied(enough: number): Promise<boolean> {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel('frame-emptying');
    channel.addEventListener('message', ({ data }: MessageEvent<Emptying>) => {
      channel.close();
      resolve(data.emptied >= enough);
    });
    channel.postMessage('tell');
  });
}
