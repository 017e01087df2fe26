/** The floor: WebCrypto's AES-GCM and nothing else, one frame after another; no header, no counter, no authenticated metadata. */
import type { Contender } from './contender.ts';
import { serve } from './serve.ts';
import { importBenchKey, run } from './web-crypto.ts';

serve(async (): Promise<Contender> => {
  const key = await importBenchKey();
  return {
    transform: () => undefined,
    direct: async (direction, frames, write) => {
      for (const frame of frames) {
        frame.data = await run(direction, key, frame.data);
        write(frame);
      }
    },
  };
});
