/** The same engine with no transform in any sender or receiver: what sealing is measured against. Never shipped. */
import { browserPorts } from '../../src/engine/browser-ports.ts';
import type { Ports } from '../../src/engine/ports.ts';

export function unsealedPorts(): Ports {
  forgetInsertableStreams();
  return {
    ...browserPorts,
    startWorker: (handlers, workerUrl) => {
      const { clock, frames, every } = browserPorts.startWorker(handlers, workerUrl);
      let links = 0;
      return {
        clock,
        every,
        frames: {
          ready: () => Promise.resolve(),
          attach: (_end, address) =>
            queueMicrotask(() => handlers.onState(address, address.side === 'seal' ? 'ready' : 'opened')),
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
