import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** A port, or a socket in the file system. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** What comes is passed on to that place, byte by byte, and what it answers comes back; each end closes with the other. */
export function passOn(incoming: Socket, to: Place): void {
  const outgoing = connect({ ...to });
  for (const [socket, other] of [
    [incoming, outgoing],
    [outgoing, incoming],
  ] as const) {
    socket.setNoDelay();
    socket.pipe(other);
    // one that broke has no more to say; the other end learns it by the same
    socket.on('error', () => other.destroy());
    socket.on('close', () => other.destroy());
  }
}
