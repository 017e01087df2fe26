/** Key layers of `WebRTCE2EE` that meet without a page: one room, one clock, messages handed over by the test. */
import assert from 'node:assert/strict';
import { createGuestIdentity } from '../../src/engine/identity/guest.ts';
import type { IdentityProvider } from '../../src/engine/identity/identity.ts';
import { ClientKeys } from '../../src/engine/keys/client-keys.ts';
import { ClientParty } from '../../src/engine/keys/client-party.ts';
import type { ClientOpened } from '../../src/engine/keys/client-sessions.ts';
import type { EncryptedMessage } from '../../src/engine/protocol/e2ee.ts';
import { parsePeerId } from '../../src/engine/protocol/ids.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { roomSecretFromBytes } from '../../src/engine/protocol/invite.ts';
import type { RoomSecret } from '../../src/engine/protocol/invite.ts';

export const NOW_MS = 1_800_000_000_000;

export function secretOf(byte: number): RoomSecret {
  const room = roomSecretFromBytes(new Uint8Array(32).fill(byte));
  assert.ok(room);
  return room;
}

/** Ordered as the numbers are. */
export function peerNamed(number: number): PeerId {
  const peerId = parsePeerId(`0x${number.toString(16).padStart(32, '0')}`);
  assert.ok(peerId);
  return peerId;
}

/** `steadyMs`: what nobody sets; goes with the first where a test says nothing. */
export type Clock = { nowMs: number; steadyMs?: number };

export type Client = {
  readonly self: PeerId;
  readonly keys: ClientKeys;
  readonly identity: IdentityProvider;
  /** Opens and returns the text, or the fault. */
  readonly read: (message: EncryptedMessage) => Promise<string>;
};

export type ClientKitOptions = {
  readonly room?: RoomSecret;
  readonly name?: string;
  readonly clock?: Clock;
  /** A guest of its own where none is given. */
  readonly identity?: IdentityProvider;
};

export async function makeClient(number: number, options: ClientKitOptions = {}): Promise<Client> {
  const { room = secretOf(1), name = 'talk', clock = { nowMs: NOW_MS }, identity = createGuestIdentity() } = options;
  const self = peerNamed(number);
  const party = await ClientParty.create({
    room,
    name,
    self,
    open: (provider, nowS) => identity.open(provider, nowS),
    isRevoked: (deviceId) => identity.pins.isRevoked(deviceId),
    now: () => clock.nowMs,
    steadyNow: () => clock.steadyMs ?? clock.nowMs,
  });
  const keys = new ClientKeys(party);
  return {
    self,
    keys,
    identity,
    read: async (message) => {
      const texts: string[] = [];
      const opened = await keys.open(message, (text) => {
        texts.push(text);
        return true;
      });
      return opened.ok ? String(texts[0]) : opened.fault;
    },
  };
}

/** The first has the second's keys, and the other knows nothing of it yet. */
export async function meet(from: Client, to: Client): Promise<void> {
  const { head, one_time } = await to.keys.publication();
  assert.equal(await from.keys.meet(to.self, { head, one_time: String(one_time[0]) }), undefined);
}

export async function say(from: Client, to: Client, text: string): Promise<EncryptedMessage> {
  const sealed = await from.keys.seal(to.self, text);
  assert.ok(sealed.ok);
  return { type: 'e2ee_encrypted_message', sender_id: from.self, ...sealed.fields, timestamp: 0 };
}

/** Sessions that both sides have used. */
export async function talking(from: Client, to: Client): Promise<void> {
  await meet(from, to);
  assert.equal(await to.read(await say(from, to, 'first')), 'first');
  assert.equal(await from.read(await say(to, from, 'answer')), 'answer');
}

export function faultOf(opened: ClientOpened): string {
  return opened.ok ? 'opened' : opened.fault;
}
