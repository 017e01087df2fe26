/**
 * A spy in a page's own worker: keeps what goes into the seal and what comes out of it for the packetizer, byte by byte. It
 * is put in front of the worker's script, before the room's own code has run, and changes nothing of what passes.
 */
import type { TestPage } from './browsers.ts';

const CHANNEL = 'spy';

type Side = 'seal' | 'open';
type EncodedFrame = { readonly data: ArrayBuffer };
/** Bytes as base64. */
export type SpiedFrame = { readonly way: 'in' | 'out'; readonly bytes: string };

/** Runs in the worker. */
function spy(channel: string): void {
  const reports = new BroadcastChannel(channel);
  const sides = new WeakMap<object, Side>();
  const tell = (way: 'in' | 'out', { data }: EncodedFrame): void => {
    reports.postMessage({ way, bytes: new Uint8Array(data.slice(0)) });
  };
  addEventListener('rtctransform', (event) => {
    const { transformer } = event as Event & {
      transformer: { options: { side: Side }; readable: object; writable: object };
    };
    sides.set(transformer.readable, transformer.options.side);
    sides.set(transformer.writable, transformer.options.side);
  });
  const { getReader } = ReadableStream.prototype;
  ReadableStream.prototype.getReader = function (this: ReadableStream, options?: ReadableStreamGetReaderOptions) {
    const reader = getReader.call(this, options) as ReadableStreamDefaultReader<EncodedFrame>;
    if (sides.get(this) !== 'seal') return reader;
    const { read } = reader;
    reader.read = async () => {
      const result = await read.call(reader);
      if (result.value) tell('in', result.value);
      return result;
    };
    return reader;
  } as typeof getReader;
  const { getWriter } = WritableStream.prototype;
  WritableStream.prototype.getWriter = function (this: WritableStream) {
    const writer = getWriter.call(this);
    if (sides.get(this) !== 'seal') return writer;
    const { write } = writer;
    writer.write = (frame: EncodedFrame) => {
      tell('out', frame);
      return write.call(writer, frame);
    };
    return writer;
  };
}

/** Runs in the page. */
function install({ inWorker, channel }: { inWorker: string; channel: string }): void {
  const heard: { way: string; bytes: Uint8Array }[] = [];
  Object.assign(window, { heard });
  new BroadcastChannel(channel).addEventListener('message', ({ data }) => heard.push(data as (typeof heard)[number]));
  const Plain = Blob;
  window.Blob = class extends Plain {
    constructor(parts: BlobPart[] = [], options: BlobPropertyBag = {}) {
      super(options.type === 'text/javascript' ? [inWorker, ...parts] : parts, options);
    }
  };
}

/** As a script of the page, before the drop-in. */
export function spyScript(): string {
  const options = { inWorker: `(${String(spy)})(${JSON.stringify(CHANNEL)});\n`, channel: CHANNEL };
  return `<script>(${String(install)})(${JSON.stringify(options).replaceAll('<', '\\u003c')})</script>`;
}

/** Once so many frames have left. */
export async function spiedFrames(page: TestPage, count: number): Promise<readonly SpiedFrame[]> {
  return page.until(
    `${count} frames`,
    (wanted) => {
      const { heard } = window as unknown as { heard: { way: 'in' | 'out'; bytes: Uint8Array }[] };
      if (heard.filter(({ way }) => way === 'out').length < wanted) return undefined;
      return heard.map(({ way, bytes }) => ({ way, bytes: btoa(String.fromCharCode(...bytes)) }));
    },
    count,
  );
}
