/** Ours, as the frame worker uses it. */
import { frameLayoutOf } from '../../src/engine/crypto/frame-layout/layouts.ts';
import { AES_128_GCM_SHA256_128, importBaseKey } from '../../src/engine/crypto/sframe-key.ts';
import { SframeReceiver } from '../../src/engine/crypto/sframe-receiver.ts';
import { SframeSender } from '../../src/engine/crypto/sframe-sender.ts';
import type { Contender } from './contender.ts';
import { runLoop } from './loop.ts';
import { serve } from './serve.ts';

const OLD_STEP_MS = 3_000;

serve(async (): Promise<Contender> => {
  const baseKey = await importBaseKey(new Uint8Array(32).fill(1));
  const sender = new SframeSender(AES_128_GCM_SHA256_128);
  const receiver = new SframeReceiver(AES_128_GCM_SHA256_128, OLD_STEP_MS);
  sender.use(1, baseKey);
  receiver.add(1, baseKey);
  const stream = sender.openStream(0);
  return {
    transform: (direction, readable, writable) => {
      void runLoop(readable, writable, async (frame) => {
        const facts = frame.getMetadata();
        const layout = frameLayoutOf(facts.mimeType);
        const data =
          direction === 'seal'
            ? await stream?.seal(frame.data, false, layout, facts)
            : await receiver.open(frame.data, layout, facts, performance.now());
        return data instanceof ArrayBuffer ? data : undefined;
      });
    },
  };
});
