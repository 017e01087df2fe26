/**
 * What a room's host has decided about who comes in (PROTOCOL.md AD8–AD14). Kept in the attachment of every socket of the
 * room, waiting ones too, so that it lasts exactly as long as somebody is here.
 */
import type { Bytes } from '../src/engine/protocol/bytes.ts';
import type { Door } from '../src/engine/protocol/host.ts';
import type { PeerId } from '../src/engine/protocol/ids.ts';
import { TOKEN_NONCE_BYTES } from '../src/engine/protocol/token.ts';
import { ABSENT_MAX, KICKED_MAX } from './limits.ts';

/** What a peer has shown at the door beside its token's claims. */
export type Visitor = {
  /** The nonce of its token, the same for all of one join (AD8). 16 bytes. */
  readonly proof: Bytes;
  /** Its claim to be the host was checked (AD9). */
  readonly isHost: boolean;
};

/** Of a peer id without a proof of its own. */
export const NO_VISITOR: Visitor = { proof: new Uint8Array(TOKEN_NONCE_BYTES), isHost: false };

/** Was here, has lost its socket and not said that it leaves. */
export type Absent = { readonly peerId: PeerId; readonly proof: Bytes };

export type DoorRecord = {
  readonly door: Door;
  /** The latest last. */
  readonly kicked: readonly PeerId[];
  readonly absent: readonly Absent[];
};

export const OPEN_RECORD: DoorRecord = { door: 'open', kicked: [], absent: [] };

export class DoorBook {
  record: DoorRecord = OPEN_RECORD;

  get door(): Door {
    return this.record.door;
  }

  /** `isExpected`: as `Porch` has it. */
  refusalOf(peerId: PeerId, isExpected: boolean): 'kicked' | 'room-locked' | undefined {
    if (this.record.kicked.includes(peerId)) return 'kicked';
    return this.door === 'locked' && !isExpected ? 'room-locked' : undefined;
  }

  /** Of who is expected back. */
  proofOf(peerId: PeerId): Bytes | undefined {
    return this.record.absent.find((known) => known.peerId === peerId)?.proof;
  }

  setDoor(door: Door): void {
    this.record = { ...this.record, door };
  }

  kick(peerId: PeerId): void {
    const kicked = [...this.record.kicked.filter((known) => known !== peerId), peerId].slice(-KICKED_MAX);
    this.record = { ...this.record, kicked };
    this.forget(peerId);
  }

  /** It may come back without asking anybody, by its id and proof. */
  expect(peerId: PeerId, proof: Bytes): void {
    const others = this.record.absent.filter((known) => known.peerId !== peerId);
    this.record = { ...this.record, absent: [...others, { peerId, proof }].slice(-ABSENT_MAX) };
  }

  /** Back, or gone on purpose. `false` where it was not expected. */
  forget(peerId: PeerId): boolean {
    const absent = this.record.absent.filter((known) => known.peerId !== peerId);
    if (absent.length === this.record.absent.length) return false;
    this.record = { ...this.record, absent };
    return true;
  }
}
