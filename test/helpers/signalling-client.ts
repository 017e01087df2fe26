/** The engine's own signalling, keys and socket, without a browser: one peer of a real relay, in Node. */
import { setInterval } from 'node:timers';
import { createGuestIdentity } from '../../src/engine/identity/guest.ts';
import { KeyRing, randomPeerId } from '../../src/engine/keys/key-ring.ts';
import { toBase64Url } from '../../src/engine/protocol/bytes.ts';
import { RELAY_PATH } from '../../src/engine/protocol/relay.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import type { RoomSecret } from '../../src/engine/protocol/invite.ts';
import type { RoomMessage } from '../../src/engine/protocol/peer.ts';
import type { RoomEvent } from '../../src/engine/room/events.ts';
import { Signalling } from '../../src/engine/signalling.ts';
import { RelaySocket } from '../../src/engine/transport/relay-socket.ts';

/** As the room's own timer does. */
const REPEAT_EVERY_MS = 2_000;

export type SignallingClient = {
  readonly peerId: PeerId;
  /** The statements of each other peer that were taken, in order. */
  readonly taken: ReadonlyMap<PeerId, readonly string[]>;
  /** With whom there are keys both ways. */
  readonly agreed: ReadonlySet<PeerId>;
  /** What was dropped, by reason. */
  readonly dropped: ReadonlyMap<string, number>;
  /** When each welcome came, by `Date.now`. */
  readonly welcomes: readonly number[];
  /** What the room would have been told of the relay. */
  readonly events: readonly RoomEvent['type'][];
  /** A statement that is acknowledged, to everybody with whom there are keys. */
  state(text: string): void;
  close(): void;
};

export function openSignallingClient(relayUrl: string, room: RoomSecret): SignallingClient {
  const peerId = randomPeerId();
  const identity = createGuestIdentity();
  const taken = new Map<PeerId, string[]>();
  const agreed = new Set<PeerId>();
  const dropped = new Map<string, number>();
  const welcomes: number[] = [];
  const events: RoomEvent['type'][] = [];
  const hello = (isAsking: boolean): RoomMessage => ({
    type: 'presence',
    link: 1,
    seq: 1,
    presence: { name: '', publications: [] },
    isAsking,
  });
  const onEvent = (event: RoomEvent): void => {
    events.push(event.type);
    if (event.type === 'welcome') welcomes.push(Date.now());
    if (event.type === 'peer-met') signalling.send(event.peerId, hello(true));
    if (event.type !== 'message') return;
    const { from, message } = event;
    agreed.add(from);
    if (message.type === 'presence' && message.isAsking) signalling.send(from, hello(false));
    if (message.type === 'e2ee_key_rotation') taken.set(from, [...(taken.get(from) ?? []), message.statement]);
  };
  const signalling = new Signalling(peerId, {
    url: `${relayUrl.replace(/^http/, 'ws')}${RELAY_PATH}`,
    keys: KeyRing.create(room, {
      open: (provider, nowS) => identity.open(provider, nowS),
      isRevoked: async () => false,
    }),
    dtls: Promise.resolve({
      certificate: {} as RTCCertificate,
      fingerprint: globalThis.crypto.getRandomValues(new Uint8Array(32)),
    }),
    ready: async () => {},
    connectRelay: (options) => new RelaySocket(options),
    isOpen: () => true,
    sendDirect: () => false,
    onKeys: () => {},
    isGenuine: () => true,
    takeKeys: (_, message) => {
      const isForKeys = message.type === 'e2ee_sender_key' || message.type === 'e2ee_sender_key_ack';
      return isForKeys || message.type === 'kick' ? undefined : message;
    },
    taken: () => undefined,
    steadyNow: () => performance.now(),
    onEvent,
    onConnecting: () => {},
    onIceServers: () => {},
    onDropped: (reason) => void dropped.set(reason, (dropped.get(reason) ?? 0) + 1),
  });
  const timer = setInterval(() => signalling.repeat(), REPEAT_EVERY_MS);
  return {
    peerId,
    taken,
    agreed,
    dropped,
    welcomes,
    events,
    state: (text) => {
      const statement = toBase64Url(new TextEncoder().encode(text));
      for (const to of agreed) signalling.send(to, { type: 'e2ee_key_rotation', statement });
    },
    close: () => {
      clearInterval(timer);
      signalling.close();
    },
  };
}
