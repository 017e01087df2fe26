/** RL20 without a relay: what no well-behaved network shows. The rest of it runs on the runtime, in worker-calls.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Door } from '../../relay-worker/door.ts';
import { answerCall } from '../../relay-worker/http-face.ts';
import type { RoomCall } from '../../relay-worker/http-face.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { RELAY_RPC_PATH, RELAY_TEXT_MAX } from '../../src/engine/protocol/relay.ts';
import { bearer } from '../helpers/relay-calls.ts';
import { createTestRoom } from '../helpers/tokens.ts';

const CHUNK_BYTES = 4096;

/** Posts what a stream brings, with a good token. */
async function post(body: ReadableStream<Bytes> | null, askRoom: RoomCall): Promise<Response> {
  const headers = { Authorization: await bearer(await createTestRoom()) };
  const init = { method: 'POST', headers, body, duplex: 'half' };
  return await answerCall(new Request(`https://relay.example${RELAY_RPC_PATH}`, init), askRoom, new Door({}));
}

async function reasonOf(response: Response): Promise<string> {
  return ((await response.json()) as { readonly error: { readonly message: string } }).error.message;
}

function streamOf(...chunks: readonly Bytes[]): ReadableStream<Bytes> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

describe('a call over HTTP', () => {
  it('is told that the room cannot be reached, and nothing of why', async () => {
    const response = await post(streamOf(Uint8Array.of(1)), () => Promise.reject(new Error('SECRET')));
    assert.deepEqual([response.status, response.headers.get('Retry-After')], [503, '1']);
    assert.equal(await reasonOf(response), 'unavailable');
  });

  it('is read no further than 64 KiB, and no room is asked for more', async () => {
    let given = 0;
    let isCancelled = false;
    const endless = new ReadableStream<Bytes>(
      {
        pull(controller) {
          given += CHUNK_BYTES;
          controller.enqueue(new Uint8Array(CHUNK_BYTES).fill(0x20));
        },
        cancel() {
          isCancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const response = await post(endless, () => assert.fail('a room was asked'));
    assert.deepEqual([response.status, await reasonOf(response)], [413, 'too-large']);
    assert.deepEqual([given, isCancelled], [RELAY_TEXT_MAX + CHUNK_BYTES, true]);
  });

  it('is read as it was sent, wherever it was cut', async () => {
    const sent = '{"x":"€😀"}';
    const bytes = new TextEncoder().encode(sent);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const response = await post(streamOf(bytes.slice(0, cut), bytes.slice(cut)), (_, text) =>
        Promise.resolve({ text }),
      );
      assert.equal(await response.text(), sent, `cut at ${cut}`);
    }
    const empty = await post(null, (_, text) => Promise.resolve({ text: `[${text}]` }));
    assert.equal(await empty.text(), '[]');
  });

  it('that breaks off, or is no UTF-8 to its end, is no call', async () => {
    const broken = new ReadableStream<Bytes>({
      pull(controller) {
        controller.error(new Error('SECRET'));
      },
    });
    for (const body of [broken, streamOf(Uint8Array.of(0xff)), streamOf(Uint8Array.of(0x7b, 0xe2, 0x82))]) {
      const response = await post(body, () => assert.fail('a room was asked'));
      assert.deepEqual([response.status, await reasonOf(response)], [400, 'parse-error']);
    }
  });
});
