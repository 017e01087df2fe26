/** The floor of what reads and writes streams: WebCrypto's AES-GCM in our loop. */
import type { Contender } from './contender.ts';
import { runLoop } from './loop.ts';
import { serve } from './serve.ts';
import { importBenchKey, run } from './web-crypto.ts';

serve(async (): Promise<Contender> => {
  const key = await importBenchKey();
  return {
    transform: (direction, readable, writable) => {
      void runLoop(readable, writable, ({ data }) => run(direction, key, data));
    },
  };
});
