import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import type { Candidate } from '../../src/engine/protocol/peer.ts';
import { CandidateBatch } from '../../src/engine/transport/candidate-batch.ts';

const candidate = (text: string): Candidate => ({
  candidate: text,
  sdpMid: '0',
  sdpMLineIndex: 0,
  usernameFragment: 'u',
});
const texts = (list: readonly Candidate[]): string[] => list.map((one) => one.candidate);

describe('the batch of candidates', () => {
  it('PM6: those of one moment go together', () => {
    const sent: string[][] = [];
    const batch = new CandidateBatch((list) => sent.push(texts(list)));
    batch.add(candidate('a'));
    batch.add(candidate('b'));
    batch.flush();
    batch.flush();
    assert.deepEqual(sent, [['a', 'b']]);
    batch.close();
  });

  it('PM6: without a flush they go by themselves', async () => {
    const sent = await new Promise<string[]>((resolve) => {
      const batch = new CandidateBatch((list) => resolve(texts(list)));
      batch.add(candidate('a'));
      batch.add(candidate('b'));
    });
    assert.deepEqual(sent, ['a', 'b']);
  });

  it('never overtakes the description that is being made, nor repeats what it holds', () => {
    const sent: string[][] = [];
    const batch = new CandidateBatch((list) => sent.push(texts(list)));
    batch.add(candidate('early'));
    batch.hold();
    batch.add(candidate('candidate:1'));
    batch.add(candidate('candidate:2'));
    batch.flush();
    assert.deepEqual(sent, []);
    batch.release('v=0\r\na=candidate:1\r\n');
    batch.flush();
    assert.deepEqual(sent, [['early', 'candidate:2']]);
    batch.close();
  });

  it('says nothing once it is closed', () => {
    const sent: string[][] = [];
    const batch = new CandidateBatch((list) => sent.push(texts(list)));
    batch.add(candidate('a'));
    batch.close();
    batch.add(candidate('b'));
    batch.flush();
    assert.deepEqual(sent, []);
  });
});
