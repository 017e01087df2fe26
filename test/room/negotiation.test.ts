/** The whole table of perfect negotiation: each input in each place, polite and impolite. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stepNegotiation } from '../../src/engine/room/negotiation.ts';
import type { NegotiationInput } from '../../src/engine/room/negotiation.ts';
import type { Negotiation } from '../../src/engine/room/state.ts';

/** The number of our last offer; every offer still under way has it. */
const ROUND = 4;

const PLACES = {
  new: { at: 'new' },
  stable: { at: 'stable' },
  'making-offer': { at: 'making-offer', round: ROUND, isStale: false },
  'have-local-offer': { at: 'have-local-offer', round: ROUND, isStale: false },
  // the rounds of offers received are the other side's
  'accepting-offer': { at: 'accepting-offer', round: 9, isStale: false },
  'accepting-answer': { at: 'accepting-answer', round: ROUND, isStale: false },
} as const satisfies Record<Negotiation['at'], Negotiation>;
type Place = keyof typeof PLACES;

const INPUTS = {
  'need-offer': { type: 'need-offer' },
  'retry-offer': { type: 'retry-offer' },
  'repeat-offer': { type: 'repeat-offer' },
  'offer-made': { type: 'offer-made', round: ROUND },
  'offer-made, of another round': { type: 'offer-made', round: ROUND - 1 },
  'offer-received': { type: 'offer-received', round: 10 },
  'offer-received, of the same round again': { type: 'offer-received', round: 9 },
  'offer-repeated': { type: 'offer-repeated', round: 9 },
  'offer-accepted': { type: 'offer-accepted', round: 9 },
  'offer-accepted, of another round': { type: 'offer-accepted', round: 8 },
  'answer-received': { type: 'answer-received', round: ROUND },
  'answer-received, of another round': { type: 'answer-received', round: ROUND - 1 },
  'answer-accepted': { type: 'answer-accepted', round: ROUND },
  'answer-accepted, of another round': { type: 'answer-accepted', round: ROUND - 1 },
  'failed making-offer': { type: 'failed', work: 'making-offer', round: ROUND },
  'failed accepting-offer': { type: 'failed', work: 'accepting-offer', round: 9 },
  'failed accepting-answer': { type: 'failed', work: 'accepting-answer', round: ROUND },
  'failed making-offer, of another round': { type: 'failed', work: 'making-offer', round: ROUND - 1 },
} as const satisfies Record<string, NegotiationInput>;

/** `place* +action`: where it goes, `*` = another offer is due once stable, what is to be done. `-` = nothing changes. */
type Row = Record<Place, string>;
const stays: Row = {
  new: '-',
  stable: '-',
  'making-offer': '-',
  'have-local-offer': '-',
  'accepting-offer': '-',
  'accepting-answer': '-',
};
const ignores: Row = {
  new: '- +ignore',
  stable: '- +ignore',
  'making-offer': '- +ignore',
  'have-local-offer': '- +ignore',
  'accepting-offer': '- +ignore',
  'accepting-answer': '- +ignore',
};
const accepted = 'accepting-offer(10) +accept-offer';
const acceptedAgain = 'accepting-offer(9) +accept-offer';

/** Rows where politeness makes a difference are told for both. */
const TABLE: { readonly [Input in keyof typeof INPUTS]: Row | { readonly polite: Row; readonly impolite: Row } } = {
  'need-offer': {
    new: 'making-offer(5) +make-offer',
    stable: 'making-offer(5) +make-offer',
    'making-offer': 'making-offer(4)*',
    'have-local-offer': 'have-local-offer(4)*',
    'accepting-offer': 'accepting-offer(9)*',
    'accepting-answer': 'accepting-answer(4)*',
  },
  'retry-offer': {
    new: 'making-offer(5) +make-offer',
    stable: 'making-offer(5) +make-offer',
    'making-offer': '-',
    'have-local-offer': 'making-offer(5) +make-offer',
    'accepting-offer': 'accepting-offer(9)*',
    'accepting-answer': 'accepting-answer(4)*',
  },
  'repeat-offer': {
    ...stays,
    new: 'making-offer(5) +make-offer',
    stable: 'making-offer(5) +make-offer',
    'have-local-offer': 'making-offer(4) +repeat-offer',
  },
  'offer-made': { ...stays, 'making-offer': 'have-local-offer(4) +send-offer' },
  'offer-made, of another round': stays,
  'offer-received': {
    polite: {
      new: accepted,
      stable: accepted,
      'making-offer': 'accepting-offer(10)* +accept-offer',
      'have-local-offer': 'accepting-offer(10)* +accept-offer',
      'accepting-offer': accepted,
      'accepting-answer': accepted,
    },
    impolite: {
      new: accepted,
      stable: accepted,
      'making-offer': '- +ignore',
      'have-local-offer': '- +ignore',
      'accepting-offer': accepted,
      'accepting-answer': accepted,
    },
  },
  'offer-received, of the same round again': {
    polite: {
      new: acceptedAgain,
      stable: acceptedAgain,
      'making-offer': 'accepting-offer(9)* +accept-offer',
      'have-local-offer': 'accepting-offer(9)* +accept-offer',
      'accepting-offer': '- +ignore',
      'accepting-answer': acceptedAgain,
    },
    impolite: {
      new: acceptedAgain,
      stable: acceptedAgain,
      'making-offer': '- +ignore',
      'have-local-offer': '- +ignore',
      'accepting-offer': '- +ignore',
      'accepting-answer': acceptedAgain,
    },
  },
  'offer-repeated': { ...ignores, stable: 'accepting-offer(9) +repeat-answer' },
  'offer-accepted': { ...stays, 'accepting-offer': 'stable +send-answer' },
  'offer-accepted, of another round': stays,
  'answer-received': { ...ignores, 'have-local-offer': 'accepting-answer(4) +accept-answer' },
  'answer-received, of another round': ignores,
  'answer-accepted': { ...stays, 'accepting-answer': 'stable' },
  'answer-accepted, of another round': stays,
  'failed making-offer': { ...stays, 'making-offer': 'stable' },
  'failed accepting-offer': { ...stays, 'accepting-offer': 'stable' },
  'failed accepting-answer': { ...stays, 'accepting-answer': 'stable' },
  'failed making-offer, of another round': stays,
};

function told(before: Negotiation, isPolite: boolean, input: NegotiationInput): string {
  const { negotiation, action, isOfferDue } = stepNegotiation(before, ROUND, isPolite, input);
  assert.equal(isOfferDue, false);
  const round = 'round' in negotiation ? `(${negotiation.round})${negotiation.isStale ? '*' : ''}` : '';
  const place = negotiation === before ? '-' : negotiation.at + round;
  return action ? `${place} +${action}` : place;
}

describe('the negotiation table', () => {
  for (const [name, input] of Object.entries(INPUTS)) {
    for (const politeness of ['polite', 'impolite'] as const) {
      it(`${name}, ${politeness}`, () => {
        const row = TABLE[name as keyof typeof INPUTS];
        const expected: Row = 'polite' in row ? row[politeness] : row;
        for (const [place, negotiation] of Object.entries(PLACES)) {
          assert.equal(told(negotiation, politeness === 'polite', input), expected[place as Place], `at ${place}`);
        }
      });
    }
  }
});

describe('something that changed meanwhile', () => {
  it('is offered once the exchange is over, after the answer is sent', () => {
    const accepting: Negotiation = { at: 'accepting-offer', round: 9, isStale: true };
    const sent = stepNegotiation(accepting, ROUND, true, { type: 'offer-accepted', round: 9 });
    const next = { at: 'making-offer', round: 5, isStale: false };
    assert.deepEqual(sent, { negotiation: next, round: 5, action: 'send-answer', isOfferDue: true });

    const answered: Negotiation = { at: 'accepting-answer', round: ROUND, isStale: true };
    const done = stepNegotiation(answered, ROUND, false, { type: 'answer-accepted', round: ROUND });
    assert.deepEqual(done, { negotiation: next, round: 5, action: undefined, isOfferDue: true });
  });

  it('is not forgotten on the way through an exchange', () => {
    let negotiation: Negotiation = { at: 'making-offer', round: ROUND, isStale: true };
    for (const input of [
      { type: 'offer-made', round: ROUND },
      { type: 'answer-received', round: ROUND },
    ] as const) {
      ({ negotiation } = stepNegotiation(negotiation, ROUND, false, input));
      assert.ok('isStale' in negotiation && negotiation.isStale, input.type);
    }
    const replaced = stepNegotiation(negotiation, ROUND, false, { type: 'offer-received', round: 1 });
    assert.deepEqual(replaced.negotiation, { at: 'accepting-offer', round: 1, isStale: true });
  });
});
