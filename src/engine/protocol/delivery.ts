/**
 * What goes with a message between two peers, so that what must arrive does (PROTOCOL.md PM13, PM14): its number, what it
 * follows, and how far the sender has heard the other. Inside the seal: the relay sees none of it.
 */
import { isRecord, parseCount } from './json.ts';

export type Delivery = {
  /** Set where an acknowledgement is wanted: from 1, growing with every such message of the sender's join, to whomever. */
  readonly id?: number;
  /** With `id`: the newest before it to this receiver that is not acknowledged yet; 0 = none. */
  readonly after?: number;
  /** The highest `id` of the receiver's that has been taken, and with it all that it follows. */
  readonly ack?: number;
};

const ID_MAX = 2 ** 32 - 1;

/** An absent one is empty. `undefined` for what no sender of ours writes. */
export function parseDelivery(value: unknown): Delivery | undefined {
  if (value === undefined) return {};
  if (!isRecord(value)) return undefined;
  const ack = value['ack'] === undefined ? undefined : parseCount(value['ack'], ID_MAX);
  if (ack === undefined && value['ack'] !== undefined) return undefined;
  const answered = ack === undefined ? {} : { ack };
  if (value['id'] === undefined) return answered;
  const id = parseCount(value['id'], ID_MAX);
  const after = parseCount(value['after'], ID_MAX);
  if (id === undefined || after === undefined || after >= id) return undefined;
  return { id, after, ...answered };
}
