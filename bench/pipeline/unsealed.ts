/** The same engine without seals: what sealing is measured against. Never shipped. */
import { browserPorts } from '../../src/engine/browser-ports.ts';
import type { Ports } from '../../src/engine/ports.ts';

/** With no transform in any sender or receiver. */
export function unsealedPorts(): Ports {
  forgetInsertableStreams();
  return portsWith(() => undefined);
}

/** With transforms in a worker that pass every frame on as it is: what the way through a worker costs by itself. */
export function passedPorts(): Ports {
  const source = new Blob([`(${passFrames.toString()})()`], { type: 'text/javascript' });
  const worker = new Worker(URL.createObjectURL(source));
  return portsWith((end) => {
    end.transform = new RTCRtpScriptTransform(worker);
  });
}

function passFrames(): void {
  addEventListener('rtctransform', (event) => {
    const { readable, writable } = (event as Event & { transformer: TransformStream }).transformer;
    void (async () => {
      const reader = readable.getReader();
      const writer = writable.getWriter();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        writer.write(value).catch(() => undefined);
      }
    })();
  });
}

function portsWith(put: (end: RTCRtpSender | RTCRtpReceiver) => void): Ports {
  return {
    ...browserPorts,
    startWorker: (handlers, workerUrl) => {
      const { clock, frames } = browserPorts.startWorker(handlers, workerUrl);
      let links = 0;
      return {
        clock,
        frames: {
          ready: () => Promise.resolve(),
          attach: (end, address) => {
            put(end);
            queueMicrotask(() => handlers.onState(address, address.side === 'seal' ? 'ready' : 'opened'));
          },
          nameLink: () => String((links += 1)),
          setSealKey: () => undefined,
          addOpenKey: () => undefined,
          closeLink: () => undefined,
          // the worker sees no frame: there is nothing to hold the browser's figures against
          counts: () => Promise.resolve(undefined),
          close: () => frames.close(),
        },
      };
    },
  };
}

/** With that flag and without a transform Chromium sends nothing. */
function forgetInsertableStreams(): void {
  const Connection = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Connection {
    constructor(configuration: RTCConfiguration & { encodedInsertableStreams?: boolean } = {}) {
      const { encodedInsertableStreams: _, ...rest } = configuration;
      super(rest);
    }
  };
}
