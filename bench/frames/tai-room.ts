/** Ours: the frame worker's own pipe. */
import { AES_128_GCM_SHA256_128, importBaseKey } from '../../src/engine/crypto/sframe-key.ts';
import { SframeReceiver } from '../../src/engine/crypto/sframe-receiver.ts';
import { SframeSender } from '../../src/engine/crypto/sframe-sender.ts';
import { FramePipe } from '../../src/workers/frame-pipe.ts';
import type { Contender } from './contender.ts';
import { serve } from './serve.ts';

const OLD_STEP_MS = 3_000;

serve(async (): Promise<Contender> => {
  const baseKey = await importBaseKey(new Uint8Array(32).fill(1));
  return {
    transform: (side, readable, writable) => {
      // new ones each time, as counters are never given twice
      const sender = new SframeSender(AES_128_GCM_SHA256_128);
      const receiver = new SframeReceiver(AES_128_GCM_SHA256_128, OLD_STEP_MS);
      sender.use(1, baseKey);
      receiver.add(1, baseKey);
      const address = { link: 'bench', stream: 0, side };
      // it lives by its streams
      void new FramePipe(
        address,
        { readable, writable },
        {
          now: () => performance.now(),
          report: () => undefined,
          reportFlow: () => undefined,
          sealing: () => sender,
          opening: () => receiver,
          heard: () => undefined,
        },
      );
    },
  };
});
