/** What sealing costs a call of two at 720p30. */
import { measureCall } from './pipeline/calls.ts';
import { runBench } from './harness.ts';

const CALL = {
  name: '2 people, 720p30',
  people: 2,
  width: 1280,
  height: 720,
  fps: 30,
  arrives: 1280,
  overUnsealedMax: 1.1,
  addedMaxMs: 1.5,
} as const;

await runBench({ rounds: 7, seed: 20_261_128 }, (options) => measureCall('pipeline', CALL, options));
