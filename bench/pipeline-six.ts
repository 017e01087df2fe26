/** What sealing costs a call of six at 180p15. Two processors are used up by it with and without seals: it takes four to say something. */
import { measureCall } from './pipeline/calls.ts';
import { runBench } from './harness.ts';

const CALL = {
  name: '6 people, 180p15',
  people: 6,
  width: 960,
  height: 540,
  fps: 15,
  arrives: 320,
  overUnsealedMax: 1.2,
} as const;

await runBench({ rounds: 5, seed: 20_261_128 }, (options) => measureCall('pipeline-six', CALL, options));
