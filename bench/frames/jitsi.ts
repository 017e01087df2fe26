/** Jitsi's own E2EE worker, which has run before this in the same worker: driven by the messages that its page sends. */
import type { Contender } from './contender.ts';
import { serve, takeHandler } from './serve.ts';

const WHO = { participantId: 'bench' };

const tell = takeHandler();
serve(async (): Promise<Contender> => {
  tell({ operation: 'setKey', ...WHO, key: new Uint8Array(32).fill(1), keyIndex: 0 });
  return {
    transform: (direction, readableStream, writableStream) => {
      const operation = direction === 'seal' ? 'encode' : 'decode';
      tell({ operation, ...WHO, readableStream, writableStream });
    },
  };
});
