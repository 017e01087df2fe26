/** RL20, AD17: what goes with a call to the relay over HTTP. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RelayCalls } from '../../src/engine/relay-calls.ts';
import { JWT_HEADER } from '../../src/engine/protocol/jwt.ts';
import { formatError, formatResult } from '../../src/engine/protocol/relay.ts';

type Sent = { readonly url: string; readonly headers: Headers };

/** Answers each call with the next of these. */
function callsTo(answers: string[], jwt?: () => Promise<string | undefined>): { calls: RelayCalls; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch: typeof globalThis.fetch = async (url, init) => {
    sent.push({ url: String(url), headers: new Headers(init?.headers) });
    return new Response(answers.shift());
  };
  const token = async (nowS: number): Promise<string> => `tai.token.${nowS}`;
  return { calls: new RelayCalls({ relay: 'wss://relay.example', token, jwt, now: () => 5_000, fetch }), sent };
}

describe('AD17: an operator’s JWT over HTTP', () => {
  it('goes with every call under a token, asked anew at each', async () => {
    let asked = 0;
    const expired = formatError(null, 'token-expired', { now: 9 });
    const { calls, sent } = callsTo([expired, formatResult(1, {})], async () => `a.b.c${++asked}`);
    assert.deepEqual(await calls.ask('{}'), { ok: true, result: {} });
    assert.deepEqual(
      sent.map(({ headers }) => [headers.get('Authorization'), headers.get(JWT_HEADER)]),
      [
        ['Bearer tai.token.5', 'a.b.c1'],
        ['Bearer tai.token.9', 'a.b.c2'],
      ],
    );
  });

  it('does not go with a call that names no room, and there is none where the page gives none', async () => {
    const { calls, sent } = callsTo([formatResult(1, {}), formatResult(1, {})], async () => undefined);
    await calls.ask('{}');
    const open = callsTo([formatResult(1, {})], async () => 'a.b.c');
    await open.calls.askOpenly('/turn', '{}');
    for (const { headers } of [...sent, ...open.sent]) assert.equal(headers.get(JWT_HEADER), null);
    assert.equal(open.sent[0]?.headers.get('Authorization'), null);
  });
});
