/**
 * Offer and answer on one link: perfect negotiation (W3C WebRTC §10.7) as a table. `isPolite` gives way when two
 * offers meet. Every offer has a round, counted by its sender, so that a late answer meets nothing.
 */
import type { Negotiation } from './state.ts';

export type NegotiationInput =
  | { readonly type: 'need-offer' }
  /** The offer on its way came to nothing: make another, whatever was awaited. */
  | { readonly type: 'retry-offer' }
  /** The first offer on its way is not answered yet: say the same once more, so that an answer to either still counts. */
  | { readonly type: 'repeat-offer' }
  | { readonly type: 'offer-made'; readonly round: number }
  | { readonly type: 'offer-received'; readonly round: number }
  /** The offer that was taken up last came again: our answer may have been lost. */
  | { readonly type: 'offer-repeated'; readonly round: number }
  | { readonly type: 'offer-accepted'; readonly round: number }
  | { readonly type: 'answer-received'; readonly round: number }
  | { readonly type: 'answer-accepted'; readonly round: number }
  | { readonly type: 'failed'; readonly work: NegotiationWork; readonly round: number };

/** What the link can be busy with, and fail at. */
export type NegotiationWork = 'making-offer' | 'accepting-offer' | 'accepting-answer';

export type NegotiationAction =
  | 'make-offer'
  | 'repeat-offer'
  | 'send-offer'
  | 'accept-offer'
  | 'repeat-answer'
  | 'send-answer'
  | 'accept-answer'
  | 'ignore';

export type NegotiationStep = {
  readonly negotiation: Negotiation;
  readonly round: number;
  readonly action: NegotiationAction | undefined;
  /** After the action: make an offer as well, since something had changed meanwhile. */
  readonly isOfferDue: boolean;
};

/** `round` is the number of our last offer. */
export function stepNegotiation(
  negotiation: Negotiation,
  round: number,
  isPolite: boolean,
  input: NegotiationInput,
): NegotiationStep {
  const stay = (action?: NegotiationAction): NegotiationStep => ({ negotiation, round, action, isOfferDue: false });
  const go = (next: Negotiation, action?: NegotiationAction): NegotiationStep => ({
    negotiation: next,
    round,
    action,
    isOfferDue: false,
  });
  const offer = (): NegotiationStep => ({
    negotiation: { at: 'making-offer', round: round + 1, isStale: false },
    round: round + 1,
    action: 'make-offer',
    isOfferDue: false,
  });
  /** An exchange is over: stable, or on to the next offer. */
  const settle = (isStale: boolean, action?: NegotiationAction): NegotiationStep =>
    isStale ? { ...offer(), action, isOfferDue: true } : go({ at: 'stable' }, action);

  switch (input.type) {
    case 'need-offer':
      // new | stable → MakeOffer → making-offer; else remember it
      if (negotiation.at === 'new' || negotiation.at === 'stable') return offer();
      return go({ ...negotiation, isStale: true });

    case 'retry-offer':
      // anything but an exchange being carried out → MakeOffer → making-offer
      if (negotiation.at === 'making-offer') return stay();
      if (negotiation.at === 'accepting-offer' || negotiation.at === 'accepting-answer') {
        return go({ ...negotiation, isStale: true });
      }
      return offer();

    case 'repeat-offer':
      // have-local-offer → RepeatOffer → making-offer; what is being carried out is waited for
      if (negotiation.at === 'new' || negotiation.at === 'stable') return offer();
      if (negotiation.at !== 'have-local-offer') return stay();
      return go({ ...negotiation, at: 'making-offer' }, 'repeat-offer');

    case 'offer-repeated':
      // stable → RepeatAnswer → accepting-offer
      if (negotiation.at !== 'stable') return stay('ignore');
      return go({ at: 'accepting-offer', round: input.round, isStale: false }, 'repeat-answer');

    case 'offer-made':
      // making-offer → Send(offer) → have-local-offer
      if (negotiation.at !== 'making-offer' || negotiation.round !== input.round) return stay();
      return go({ ...negotiation, at: 'have-local-offer' }, 'send-offer');

    case 'offer-received': {
      const accept = (isStale: boolean): NegotiationStep =>
        go({ at: 'accepting-offer', round: input.round, isStale }, 'accept-offer');
      switch (negotiation.at) {
        // new | stable → AcceptOffer → accepting-offer
        case 'new':
        case 'stable':
          return accept(false);
        // two offers meet: the polite side gives its own up and offers again later, the impolite one goes on
        case 'making-offer':
        case 'have-local-offer':
          return isPolite ? accept(true) : stay('ignore');
        case 'accepting-offer':
          return input.round > negotiation.round ? accept(negotiation.isStale) : stay('ignore');
        case 'accepting-answer':
        default:
          return accept(negotiation.isStale);
      }
    }

    case 'offer-accepted':
      // accepting-offer → Send(answer) → stable
      if (negotiation.at !== 'accepting-offer' || negotiation.round !== input.round) return stay();
      return settle(negotiation.isStale, 'send-answer');

    case 'answer-received':
      // have-local-offer → AcceptAnswer → accepting-answer
      if (negotiation.at !== 'have-local-offer' || negotiation.round !== input.round) return stay('ignore');
      return go({ ...negotiation, at: 'accepting-answer' }, 'accept-answer');

    case 'answer-accepted':
      // accepting-answer → stable
      if (negotiation.at !== 'accepting-answer' || negotiation.round !== input.round) return stay();
      return settle(negotiation.isStale);

    case 'failed':
      // what was being carried out → stable; the link's timer tries again
      if (negotiation.at !== input.work || negotiation.round !== input.round) return stay();
      return go({ at: 'stable' });
  }
}
