/** Fifty people come and go: nothing of them is left, neither with who stays nor in the page that they came in. */
import { booksScript } from '../helpers/leaks.ts';
import { roomPage } from '../helpers/call.ts';
import { comeAndGo } from '../helpers/come-and-go.ts';
import { withScripts } from '../helpers/sealed-call.ts';
import { setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';
import { after, before, describe, it } from 'node:test';

const CYCLES = 50;

describe('joins without end', () => {
  let stage: Stage;
  before(async () => {
    stage = await setStage(
      (relayUrl) => ({ '/': { html: withScripts(roomPage(relayUrl), booksScript()) } }),
      ['chromium'],
    );
  });
  after(() => stage?.close());

  it(`after ${CYCLES} joins and leaves no connection, track, worker or detached element is left`, async (test) => {
    for (const line of await comeAndGo(stage, CYCLES)) test.diagnostic(line);
  });
});
