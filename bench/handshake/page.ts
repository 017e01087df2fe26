/** In a page: ours and the floor, measured the same way. */
import type { HandshakeRun } from './contender.ts';
import { primitives } from './primitives.ts';
import { taiRoom } from './tai-room.ts';
import { timeRun } from './time.ts';
import type { HandshakeSample } from './time.ts';

export type HandshakePage = { measure(name: 'tai-room' | 'primitives'): Promise<HandshakeSample> };

const runs = { 'tai-room': taiRoom.prepare(), primitives: primitives.prepare() } satisfies Record<
  string,
  Promise<HandshakeRun>
>;

(globalThis as unknown as { benchPage: HandshakePage }).benchPage = {
  measure: async (name) => timeRun(await runs[name]),
};
