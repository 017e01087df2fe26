/// <reference path="./session-worker-source.d.ts" />
/** The real doors: what a browser gives. Tests in Node never import this file. */
import sessionWorkerSource from 'virtual:session-worker-source';
import { Devices } from './media/devices.ts';
import { FrameSeals } from './frame-seals.ts';
import type { Ports } from './ports.ts';
import { TaiError } from './protocol/errors.ts';
import { SessionWorker } from './session-worker.ts';
import { createDtlsIdentity } from './transport/dtls-identity.ts';
import { PeerLink } from './transport/peer-link.ts';
import { RelaySocket } from './transport/relay-socket.ts';
import { createTicks, createWorkerClock } from './worker-clock.ts';

type ScriptUrlPolicy = { createScriptURL(url: string): string };
type TrustedTypes = { createPolicy(name: string, rules: ScriptUrlPolicy): ScriptUrlPolicy };
/** Stands in the README, for a page's `trusted-types` directive. */
const POLICY_NAME = 'tai-room';

export const browserPorts: Ports = {
  startWorker: (handlers, workerUrl) => {
    const hostedUrl = workerUrl === undefined ? undefined : ownUrl(workerUrl);
    const worker = new SessionWorker(() => (hostedUrl === undefined ? startInlined() : new Worker(trusted(hostedUrl))));
    const clock = createWorkerClock((id) => handlers.onTimer(id), worker);
    const ticks = createTicks(worker);
    const close = (): void => {
      clock.close();
      ticks.close();
    };
    return {
      clock: { ...clock, close },
      every: ticks.every,
      frames: new FrameSeals(worker, handlers),
    };
  },
  connectRelay: (options) =>
    new RelaySocket({
      wakeSources: [
        { target: globalThis.window, type: 'online' },
        { target: globalThis.window, type: 'pageshow' },
        { target: globalThis.document, type: 'visibilitychange', isAwake: () => !globalThis.document.hidden },
      ],
      ...options,
    }),
  openCalls: async (options) => new (await import('./relay-calls.ts')).RelayCalls(options),
  pageOrigin: () => globalThis.location.origin,
  createDtlsIdentity,
  loadHiding: () => import('./transport/hidden-path.ts'),
  openLink: (options) => new PeerLink(options),
  openDevices: (handlers) => new Devices(handlers),
  watchPage: (onHide) => {
    globalThis.addEventListener('pagehide', onHide);
    return () => globalThis.removeEventListener('pagehide', onHide);
  },
};

function startInlined(): Worker {
  const url = URL.createObjectURL(new Blob([sessionWorkerSource], { type: 'text/javascript' }));
  try {
    return new Worker(trusted(url));
  } finally {
    // The worker's own fetch has begun: the address is needed no longer.
    URL.revokeObjectURL(url);
  }
}

/** Another origin's script would run with the page's trust: refused at the call, not left to the browser. */
function ownUrl(workerUrl: string): string {
  const url = URL.parse(workerUrl, globalThis.document.baseURI);
  if (url?.origin !== globalThis.location.origin) {
    throw new TaiError('usage', "worker-url: must be an address of the page's own origin");
  }
  return url.href;
}

let policy: ScriptUrlPolicy | undefined;

/** Under Trusted Types a worker's address must come from a policy; only our own blob and checked addresses get here. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy(POLICY_NAME, { createScriptURL: (own) => own });
  return policy ? policy.createScriptURL(url) : url;
}
