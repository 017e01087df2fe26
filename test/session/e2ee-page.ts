/** Pages with a `WebRTCE2EE` each, a registry in memory, and messages that the test hands over. */
import assert from 'node:assert/strict';
import { E2eeError } from '../../src/engine/e2ee-types.ts';
import type {
  E2eeEncryptedMessage,
  E2eeEvent,
  E2eeFault,
  RegistryPort,
  WebRTCE2EEOptions,
} from '../../src/engine/e2ee-types.ts';
import { TaiError } from '../../src/engine/protocol/errors.ts';
import type { ErrorCode } from '../../src/engine/protocol/errors.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { roomSecretFromBytes } from '../../src/engine/protocol/invite.ts';
import type { HandedBundle, SealedBundle } from '../../src/engine/protocol/relay.ts';
import type { RoomAddress } from '../../src/engine/room-address.ts';
import { WebRTCE2EE } from '../../src/engine/webrtc-e2ee.ts';

export const NOW_MS = 1_800_000_000_000;

/** As a server of a page's own has to be: it keeps the last bundle of a peer, and gives each one-time entry once. */
export class MemoryRegistry {
  readonly published: { readonly peerId: PeerId; readonly bundle: SealedBundle }[] = [];
  readonly #bundles = new Map<PeerId, { readonly head: string; readonly one_time: string[] }>();
  closed = 0;

  port(): Required<Omit<RegistryPort, 'open'>> {
    return {
      publish: async (peerId, bundle) => {
        this.published.push({ peerId, bundle });
        this.#bundles.set(peerId, { head: bundle.head, one_time: [...bundle.one_time] });
      },
      fetch: async (peerId) => this.take(peerId),
      close: () => void this.closed++,
    };
  }

  take(peerId: PeerId): HandedBundle | undefined {
    const bundle = this.#bundles.get(peerId);
    const one_time = bundle?.one_time.shift();
    return bundle && { head: bundle.head, ...(one_time !== undefined && { one_time }) };
  }
}

export function roomOf(byte: number): RoomAddress {
  const room = roomSecretFromBytes(new Uint8Array(32).fill(byte));
  assert.ok(room);
  return { kind: 'private', room };
}

export type PageOptions = Partial<WebRTCE2EEOptions> & { readonly roomId?: string };
export type Page = { readonly e2ee: WebRTCE2EE; readonly peerId: PeerId; readonly events: E2eeEvent[] };

export function openPage(userId: string, { roomId = 'support', ...options }: PageOptions = {}): Page {
  const e2ee = new WebRTCE2EE(roomId, userId, { room: roomOf(1), now: () => NOW_MS, ...options });
  const events: E2eeEvent[] = [];
  e2ee.on((event) => events.push(event));
  return { e2ee, peerId: e2ee.peerId, events };
}

/** A session that both have used, begun by the first. */
export async function talk(from: Page, to: Page): Promise<void> {
  await from.e2ee.exchangeKeys(await to.e2ee.generateKeyPair());
  assert.equal(await pass(from, to, 'first'), 'first');
  assert.equal(await pass(to, from, 'answer'), 'answer');
}

export async function pass(from: Page, to: Page, text: string): Promise<string> {
  return to.e2ee.decrypt(await from.e2ee.encrypt(text, to.peerId));
}

/** Messages in the order in which they were encrypted. */
export async function several(from: Page, to: Page, texts: readonly string[]): Promise<E2eeEncryptedMessage[]> {
  const messages: E2eeEncryptedMessage[] = [];
  for (const text of texts) messages.push(await from.e2ee.encrypt(text, to.peerId));
  return messages;
}

/** Rejects with this fault, and with words that tell nothing but it. */
export async function refused(call: Promise<unknown>, fault: E2eeFault, code?: ErrorCode): Promise<void> {
  const error = await call.then(
    () => assert.fail(`was not refused with ${fault}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof E2eeError && error instanceof TaiError, String(error));
  assert.equal(error.fault, fault);
  assert.equal(error.message, `e2ee: ${fault}`);
  if (code) assert.equal(error.code, code);
}

/** Rejects with this code, from the registry. */
export async function failed(call: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(
    call,
    (error) => error instanceof TaiError && !(error instanceof E2eeError) && error.code === code,
  );
}
