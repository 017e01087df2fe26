/** LiveKit's own E2EE worker, which has run before this in the same worker: driven by the messages that its manager sends. */
import type { Contender } from './contender.ts';
import { serve, takeHandler } from './serve.ts';

const WHO = { participantIdentity: 'bench', trackId: 'bench' };
const SILENT = 5;

const tell = takeHandler();
serve(async (): Promise<Contender> => {
  const material = new Uint8Array(32).fill(1);
  const key = await crypto.subtle.importKey('raw', material, 'HKDF', false, ['deriveBits', 'deriveKey']);
  const keyProviderOptions = {
    sharedKey: false,
    ratchetSalt: 'LKFrameEncryptionKey',
    ratchetWindowSize: 8,
    failureTolerance: 10,
    keyringSize: 16,
    keySize: 128,
  };
  tell({ kind: 'init', data: { loglevel: SILENT, keyProviderOptions } });
  tell({ kind: 'enable', data: { enabled: true, participantIdentity: WHO.participantIdentity } });
  tell({ kind: 'setKey', data: { ...WHO, key, keyIndex: 0, updateCurrentKeyIndex: true, isPublisher: true } });
  return {
    transform: (direction, readableStream, writableStream) => {
      const kind = direction === 'seal' ? 'encode' : 'decode';
      tell({ kind, data: { ...WHO, readableStream, writableStream, codec: 'vp8', hasPacketTrailer: false } });
    },
  };
});
