/** RFC 9605's vectors, and frames of every codec sealed and opened, in the browsers' own WebCrypto. */
import {
  AES_128_GCM_SHA256_128,
  AES_256_GCM_SHA512_128,
  deriveSframeKey,
  importBaseKey,
} from '../../src/engine/crypto/sframe-key.ts';
import { equalBytes } from '../../src/engine/protocol/bytes.ts';
import { CODECS, makeEnds, opened, sampleFrame, sealed } from '../helpers/frames.ts';
import { Random } from '../helpers/random.ts';
import { SFRAME_EXPECTED, SFRAME_VECTORS, runSframeVectors } from '../helpers/sframe-vectors.ts';
import { equal, ok, same } from './assert.ts';

const SEED = 9_605;

describe("RFC 9605's vectors on the browser's WebCrypto", () => {
  it('pass: headers, derivation and sealing in both suites', async function () {
    const response = await fetch(`/__vectors/sframe/${SFRAME_VECTORS}`);
    if (!response.ok) this.skip();
    else same(await runSframeVectors(await response.text()), SFRAME_EXPECTED);
  });
});

describe('sealed frames in a browser', () => {
  for (const suite of [AES_128_GCM_SHA256_128, AES_256_GCM_SHA512_128] as const) {
    it(`open as they were, through ratchet steps: suite ${suite}`, async () => {
      const random = new Random(SEED);
      const { sender, stream, receiver } = await makeEnds(suite);
      for (const codec of CODECS) {
        for (const size of [0, 1, 120, 1_200, 50_000]) {
          const isKey = random.chance(0.5);
          const frame = sampleFrame(codec, isKey, random.bytes(size));
          const output = await sealed(stream, codec, frame, isKey);
          const changed = output.slice();
          const at = random.below(changed.length);
          changed[at] = Number(changed[at]) ^ (1 << random.below(8));
          equal(typeof (await opened(receiver, codec, changed)), 'string');
          const plain = await opened(receiver, codec, output);
          ok(typeof plain !== 'string' && equalBytes(plain, frame), `${codec}, ${size}: ${String(plain).slice(0, 20)}`);
        }
        sender.ratchet();
      }
    });
  }

  it('are sealed under keys that cannot be extracted', async () => {
    const baseKey = await importBaseKey(new Uint8Array(32));
    const { key } = await deriveSframeKey(AES_128_GCM_SHA256_128, baseKey, 0, 'encrypt');
    for (const each of [baseKey, key]) {
      const refusal = await crypto.subtle.exportKey('raw', each).then(
        () => 'exported',
        () => 'refused',
      );
      equal(refusal, 'refused');
    }
  });
});
