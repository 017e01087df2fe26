/** What a room says to its sockets, and when it has said enough: to one that does not read (PROTOCOL.md LM6), or breaks the protocol (RL12). */
import type { RpcErrorReason } from '../src/engine/protocol/errors.ts';
import { formatError, formatResult } from '../src/engine/protocol/relay.ts';
import type { ErrorData, RpcId, RpcResult } from '../src/engine/protocol/relay.ts';
import { BUFFERED_DROP_BYTES, FAULTS_MAX } from './limits.ts';
import { isBehind } from './members.ts';
import type { Member } from './members.ts';
import { send } from './room-socket.ts';
import type { RoomSocket } from './room-socket.ts';

export class Voice<S extends RoomSocket> {
  readonly #dismiss: (member: Member<S>, reason: 'slow-reader' | 'bad-input') => void;

  constructor(dismiss: (member: Member<S>, reason: 'slow-reader' | 'bad-input') => void) {
    this.#dismiss = dismiss;
  }

  /** What must not be missing: waits with the rest. Who is too far behind leaves only when all have been told. */
  tell(targets: readonly Member<S>[], text: string): void {
    for (const target of targets) send(target.socket, text);
    for (const target of targets) if (isBehind(target)) this.#dismiss(target, 'slow-reader');
  }

  /** Everything else: `false` where it was dropped. */
  offer(target: Member<S>, text: string): boolean {
    if (target.socket.bufferedAmount <= BUFFERED_DROP_BYTES) {
      target.droppedBytes = 0;
      send(target.socket, text);
      return true;
    }
    target.droppedBytes += text.length;
    if (isBehind(target)) this.#dismiss(target, 'slow-reader');
    return false;
  }

  answer(member: Member<S>, id: RpcId | undefined, result: RpcResult): void {
    if (id !== undefined) this.offer(member, formatResult(id, result));
  }

  answerError(member: Member<S>, id: RpcId | null | undefined, reason: RpcErrorReason, data?: ErrorData): void {
    if (id !== undefined) this.offer(member, formatError(id, reason, data));
  }

  /** RL12: it broke the protocol, and is told how, until it has done so too often. */
  fault(member: Member<S>, id: RpcId | null | undefined, reason: RpcErrorReason): void {
    this.answerError(member, id, reason);
    member.faults++;
    if (member.faults >= FAULTS_MAX) this.#dismiss(member, 'bad-input');
  }

  /** RL23: to who asks because something was dropped. Dropped as well, it would be waited for. */
  askAgain(member: Member<S>, id: RpcId | undefined): void {
    if (id !== undefined) this.tell([member], formatError(id, 'rate-limited'));
  }
}
