/** What follows from a change of the room, whatever has changed it: who is greeted, what of the roster is told, when keys change. Pure. */
import type { Step } from './events.ts';
import { watchSenderKeys } from './frames.ts';
import { nextSeq, tellsState } from './order.ts';
import { greetings } from './peers.ts';
import { watchRoster } from './roster.ts';
import { isPresent } from './state.ts';
import type { Call } from './state.ts';

export function follow(before: Call, [next, effects]: Step): Step {
  const isCallChanged = next.call !== before;
  const [watched, told] = isCallChanged
    ? watchRoster(before, next.call, [...greetings(before, next.call), ...effects])
    : [next.call, effects];
  const isSaid = isPresent(watched) && told.some(tellsState);
  const call = isSaid ? { ...watched, said: nextSeq(watched) } : watched;
  return [call === next.call ? next : { ...next, call }, watchSenderKeys(before, call, told)];
}
