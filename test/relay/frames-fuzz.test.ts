/**
 * 10^5 frames, most of them broken, into a room in memory: what comes of each is held against JSON-RPC 2.0 as it is
 * written there, and against the rule that nobody is told anything of what was sent but its target.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAULTS_MAX } from '../../relay-worker/limits.ts';
import { isRecord, parseJson } from '../../src/engine/protocol/json.ts';
import { RELAY_TEXT_MAX, formatError, formatRequest } from '../../src/engine/protocol/relay.ts';
import type { RpcErrorReason } from '../../src/engine/protocol/errors.ts';
import { brokenText } from '../helpers/fuzz.ts';
import type { MemorySocket } from '../helpers/memory-socket.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL, REQUESTS, ROOM } from '../helpers/samples.ts';
import { SPECIFICATION, edgeCases } from './json-rpc.ts';
import { Stage } from './room-stage.ts';

const FRAMES = 100_000;
const SEED = 20_261_127;
/** Slow enough that no bucket is ever empty (LM2, LM3): limits have tests of their own. */
const BETWEEN_MS = 600;
const SAMPLES = [
  ...REQUESTS.flatMap((request) => [formatRequest(request), formatRequest(request, 7), formatRequest(request, 'é🔒')]),
  ...SPECIFICATION.map(({ text }) => text),
];
/** Those that are not too long to be made by the thousand. */
const EDGES = edgeCases({ method: 'join', params: { room_id: ROOM, peer_id: ALICE } }).map(({ text }) => text);
const SHORT_EDGES = EDGES.filter((text) => text.length < 500);
const NOT_FAULTS = new Set(['peer-unknown', 'no-bundle', 'rate-limited']);

type Sent = string | ArrayBuffer;

function frame(random: Random): Sent {
  const kind = random.below(100);
  if (kind < 4) return random.bytes(random.below(60)).buffer;
  if (kind < 10) return random.pick(SHORT_EDGES);
  if (kind < 30) return brokenText(random, SHORT_EDGES);
  if (kind === 30 && random.chance(0.05)) return random.pick(EDGES);
  if (kind === 31) return wrapped(random, random.pick(SAMPLES));
  return brokenText(random, SAMPLES);
}

/** In lists, in objects, as text, or twice. */
function wrapped(random: Random, text: string): string {
  const depth = 1 + random.below(40);
  const forms = [
    '['.repeat(depth) + text + ']'.repeat(depth),
    '{"params":'.repeat(depth) + text + '}'.repeat(depth),
    JSON.stringify(text),
    text + text,
    `\ufeff${text}`,
  ];
  return random.pick(forms);
}

/** What §4 and §5 of the specification say of an answer to this, whatever the method does. */
function expectedOf(sent: Sent): { readonly isAnswered: boolean; readonly ids: readonly unknown[] } {
  if (typeof sent !== 'string') return { isAnswered: true, ids: [null] };
  if (Buffer.byteLength(sent) > RELAY_TEXT_MAX) return { isAnswered: true, ids: [null] };
  const value = parseJson(sent);
  if (!isRecord(value)) return { isAnswered: true, ids: [null] };
  const isRequest = value['jsonrpc'] === '2.0' && typeof value['method'] === 'string';
  // Without an id it is a notification, if it is a request at all.
  if (!('id' in value)) return isRequest ? { isAnswered: false, ids: [] } : { isAnswered: true, ids: [null] };
  // An id that cannot be one, or cannot be kept as it is, is answered as none.
  return { isAnswered: true, ids: isRequest ? [value['id'], null] : [null, value['id']] };
}

function methodOf(text: string): unknown {
  const value = parseJson(text);
  return isRecord(value) ? value['method'] : undefined;
}

type Reached = { readonly reasons: Set<string>; answered: number; silent: number; passed: number };

class Scene {
  readonly reached: Reached = { reasons: new Set(), answered: 0, silent: 0, passed: 0 };
  readonly #stage = new Stage({ iceServers: [] });
  #alice: MemorySocket;
  readonly #others: readonly MemorySocket[];
  #faults = 0;

  constructor() {
    const [bob, carol, alice] = this.#stage.gather(BOB, CAROL, ALICE);
    assert.ok(bob && carol && alice);
    [this.#alice, this.#others] = [alice, [bob, carol]];
    for (const socket of this.#others) socket.take();
  }

  async play(sent: Sent): Promise<void> {
    this.#stage.nowMs += BETWEEN_MS;
    for (const socket of [this.#alice, ...this.#others]) this.#stage.answeredAtMs.set(socket, this.#stage.nowMs);
    await this.#stage.receive(this.#alice, sent);
    this.#judgeAnswers(sent);
    this.#judgeOthers(sent);
    if (this.#alice.closed) this.#comeBack();
  }

  #judgeAnswers(sent: Sent): void {
    // RL23: asking for what is missing tells that there is nothing, before the answer, and also where none was asked for
    const isAsking = typeof sent === 'string' && methodOf(sent) === 'resume';
    const texts = this.#alice.takeTexts().filter((text) => !(isAsking && methodOf(text) === 'gap'));
    const { isAnswered, ids } = expectedOf(sent);
    assert.equal(texts.length, isAnswered ? 1 : 0, `${texts.length} answers`);
    const [text] = texts;
    if (text === undefined) {
      this.reached.silent++;
      return;
    }
    this.reached.answered++;
    const answer = JSON.parse(text) as { id: unknown; jsonrpc: unknown; result?: unknown; error?: { message: string } };
    assert.equal(answer.jsonrpc, '2.0');
    assert.ok(
      ids.some((id) => Object.is(id, answer.id) || id === answer.id),
      `answered to ${JSON.stringify(answer.id)}`,
    );
    assert.equal('result' in answer, !('error' in answer), 'either a result or an error');
    if (!answer.error) return;
    const reason = answer.error.message as RpcErrorReason;
    this.reached.reasons.add(reason);
    // RL11: written from its id and reason alone, so that nothing else of what was sent can be in it.
    assert.equal(text, formatError(answer.id as string | number | null, reason));
    if (!NOT_FAULTS.has(reason)) this.#faults++;
    if (this.#faults >= FAULTS_MAX) assert.equal(this.#alice.closed?.reason, 'bad-input', 'RL12');
  }

  #judgeOthers(sent: Sent): void {
    for (const socket of this.#others) {
      const messages = socket.take();
      assert.ok(messages.length <= 1, 'told twice');
      assert.equal(socket.closed, undefined, 'another was closed');
      for (const message of messages) {
        assert.ok(message.type === 'notification');
        if (message.method === 'relay_message') {
          this.reached.passed++;
          assert.equal(message.params.sender_peer_id, ALICE);
          assert.ok(typeof sent === 'string' && sent.includes(message.params.payload));
        } else assert.ok(message.method === 'peer_left' || message.method === 'bundle_published', message.method);
      }
    }
  }

  /** Closed for what she sent, as it is allowed; and in again. */
  #comeBack(): void {
    const reason = this.#alice.closed?.reason ?? '';
    assert.ok(['bad-input', 'left', 'too-large'].includes(reason), reason);
    this.#alice = this.#stage.enter(ALICE);
    const [welcome] = this.#alice.take();
    assert.ok(welcome?.type === 'notification' && welcome.method === 'welcome');
    assert.deepEqual(
      welcome.params.peers.map(({ peer_id }) => peer_id),
      [BOB, CAROL],
    );
    for (const socket of this.#others) socket.take();
    this.#faults = 0;
  }
}

describe('a room and any frame', () => {
  it(`fuzz: ${FRAMES} frames are answered as JSON-RPC 2.0 has it, and tell nobody else anything`, async () => {
    const random = new Random(SEED);
    const scene = new Scene();
    for (let i = 0; i < FRAMES; i++) {
      const sent = frame(random);
      try {
        await scene.play(sent);
      } catch (cause) {
        const shown = typeof sent === 'string' ? JSON.stringify(sent.slice(0, 500)) : 'binary';
        throw new Error(`seed ${SEED}, frame ${i}: ${shown}`, { cause });
      }
    }
    const { reasons, answered, silent, passed } = scene.reached;
    for (const reason of ['parse-error', 'invalid-request', 'method-not-found', 'invalid-params', 'room-mismatch']) {
      assert.ok(reasons.has(reason), `no frame was a ${reason}`);
    }
    for (const reason of ['too-large', 'peer-mismatch', 'no-bundle'])
      assert.ok(reasons.has(reason), `none was ${reason}`);
    assert.ok(Math.min(answered, silent, passed) > FRAMES / 200, JSON.stringify({ answered, silent, passed }));
  });
});
