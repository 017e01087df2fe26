/** Everything an end-to-end test stands on; its browsers are those of the whole process (`browser-pool.ts`). */
import { borrowBrowser } from './browser-pool.ts';
import { openStage } from './open-stage.ts';
import type { Stage } from './open-stage.ts';

export { SMALL_PICTURES } from './open-stage.ts';
export type { Stage } from './open-stage.ts';

type StageOptions = Parameters<typeof openStage> extends [unknown, ...infer Rest] ? Rest : never;

/** As `openStage`. */
export function setStage(...options: StageOptions): Promise<Stage> {
  return openStage(borrowBrowser, ...options);
}
