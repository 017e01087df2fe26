/** Composition root of the engine: a session over the browser's own ports. */
import { browserPorts } from './browser-ports.ts';
import { canSealFrames } from './frame-seals.ts';
import { TaiError } from './protocol/errors.ts';
import { requireWebSocket } from './relay-address.ts';
import { RoomSession } from './room-session.ts';
import type { Session, SessionOptions } from './session-types.ts';

/**
 * Our presence in one room. Asks nobody for anything until a command says so.
 * Throws `TaiError`: `usage` (bad relay or worker address), `insecure-context`, `unsupported-browser`.
 */
export function createSession(options: SessionOptions): Session {
  if (globalThis.crypto?.subtle === undefined) {
    throw new TaiError('insecure-context', 'the page must be served over https (or from this machine)');
  }
  if (typeof globalThis.RTCPeerConnection !== 'function') {
    throw new TaiError('unsupported-browser', 'this browser has no WebRTC');
  }
  // before anybody is asked for a camera that nothing could be sent from
  if (!canSealFrames()) throw new TaiError('unsupported-browser', 'session: this browser cannot seal frames');
  requireWebSocket();
  // Asked for what this version cannot do, it does nothing, rather than something less.
  if (options.e2ee !== undefined && options.e2ee !== 'required') {
    throw new TaiError('usage', 'e2ee: must be "required", or left out');
  }
  const session = new RoomSession(options, browserPorts);
  if (options.sharePath) {
    // where it cannot be loaded, nothing is told
    void import('./path-report.ts').then(({ reportPath }) => reportPath(session, options.relay)).catch(() => {});
  }
  return session;
}
