import { describe, it } from 'node:test';
import { labObstacle } from './lab.ts';

const obstacle = labObstacle();

/** As `describe`. Where there can be no lab, one test in its place that is skipped, counted as such, and says why. */
export function describeInLab(title: string, body: () => void): void {
  if (obstacle === undefined) describe(title, body);
  else it.skip(`${title}. ${obstacle}`);
}
