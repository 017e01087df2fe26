/** One peer and the link to it: pure transitions, each giving the peer's next state and the effects. */
import type { PeerId } from '../protocol/ids.ts';
import { isStandby } from '../protocol/peer.ts';
import type { Presence } from '../protocol/peer.ts';
import { presenceOf } from './devices.ts';
import type { Effect, ListedPeer, Step, TimerId } from './events.ts';
import { stepNegotiation } from './negotiation.ts';
import type { NegotiationInput } from './negotiation.ts';
import { NOTHING_HEARD, nextSeq } from './order.ts';
import { isPresent } from './state.ts';
import type { Call, Gone, Link, LinkTransport, Peer, Present, RoomState, Route } from './state.ts';

/** A link that does not stand is looked after this often at first, and tried again … */
export const LINK_CHECK_MS = 5_000;
/** … then less and less often, down to this: what is slow, and not lost, must be given the time to answer. */
export const LINK_CHECK_MAX_MS = 20_000;
/** As many looks before they become rare. */
const QUICK_CHECKS = 3;
/** A link found failed is tried again after this. */
export const LINK_RETRY_MS = 300;
/** A peer that neither the relay lists nor a link reaches is given up after this. */
export const GONE_MS = 12_000;
/** The browser itself has given the connection up: after long silence, so that little more is to be waited for. */
export const GONE_FAILED_MS = 2_000;
/** As many looks at the link before a handshake that is not answered is begun again. */
const UNANSWERED_ATTEMPTS = 2;
/** As many restarts of one connection before a new one is made. */
const RESTARTS_MAX = 2;
/** As many checks before the page hears that a peer cannot be reached. */
export const UNREACHABLE_ATTEMPTS = 3;

/** A peer's next state. */
export type PeerStep = { readonly peer: Peer; readonly effects: readonly Effect[] };

/** What a link's transition needs to know about our own side. */
export type Own = {
  readonly joinNumber: number;
  readonly presence: Presence;
  /** What our presence is told under now (PM11). */
  readonly seq: number;
};

const NEW_LINK: Omit<Link, 'generation'> = {
  negotiation: { at: 'new' },
  round: 0,
  heardRound: 0,
  transport: 'new',
  reached: 'nothing',
  attempts: 0,
  isEnded: false,
};

/** Sound and picture go over the first connection until somebody asks for the other. */
export const ON_LINK: Route['shown'] = { microphone: 'link', camera: 'link' };
export const NO_ROUTE: Route = { wanted: 'link', asked: 0, shown: ON_LINK, outgoing: 'link', heard: 0, returns: 0 };

const UNKNOWN = { identity: undefined, isMet: false, isRefused: false, isUnsealed: false, isExposed: false } as const;
/** What is true of a connection that has just begun. A browser that sent past the seal once is not trusted again by it. */
export const NO_MEDIA = { tracks: {}, frames: {}, flowing: {} } as const;

export const linkTimer = (peerId: PeerId): TimerId => `link:${peerId}`;
export const goneTimer = (peerId: PeerId): TimerId => `gone:${peerId}`;

/**
 * Whoever may read is shown: everybody whose keys are agreed, and, after a while, who holds the link and the bundle to
 * which we have spoken, but does not answer. What the relay alone says is not enough (RL9).
 */
export function isShown({ identity, isMet, link }: Peer): boolean {
  return identity !== undefined || (isMet && link.attempts > 0);
}

/** The newcomer offers: of two peers the one with the higher join number, which is also the polite one. */
export function isOfferer(own: Pick<Own, 'joinNumber'>, peer: Pick<Peer, 'joinNumber'>): boolean {
  return own.joinNumber > peer.joinNumber;
}

/** A peer heard of for the first time, or again after it was given up at `lastGeneration` and had been `heard` so far. */
export function meetPeer(own: Own, listed: ListedPeer, lastGeneration = 0, gone?: Gone): PeerStep {
  const { peerId, joinNumber } = listed;
  const link: Link = { ...NEW_LINK, generation: lastGeneration + 1 };
  const heard = gone?.heard ?? NOTHING_HEARD;
  const { asked = 0, standbys = 0 } = gone ?? {};
  const ways = { link, ...NO_MEDIA, standby: undefined, standbys, route: { ...NO_ROUTE, asked } };
  const peer: Peer = { peerId, joinNumber, isListed: true, presence: undefined, heard, ...UNKNOWN, ...ways };
  if (gone?.isExposed) {
    const closed: Peer = { ...peer, link: { ...link, isEnded: true }, isExposed: true };
    return { peer: closed, effects: [sendPresence(closed, own)] };
  }
  const watch = startTimer(linkTimer(peerId), LINK_CHECK_MS);
  if (!isOfferer(own, peer)) return { peer, effects: [watch] };
  const offered = negotiate(own, peer, { type: 'need-offer' });
  return { peer: offered.peer, effects: [openLink(peer), ...offered.effects] };
}

/** A known peer is on the relay's list again: what could not be said meanwhile is said now. */
export function relistPeer(peer: Peer, joinNumber: number): PeerStep {
  const effects: readonly Effect[] = [
    stopTimer(goneTimer(peer.peerId)),
    // offers and answers may have been lost with the relay, even on a link that stands
    startTimer(linkTimer(peer.peerId), LINK_RETRY_MS),
  ];
  return { peer: { ...peer, joinNumber, isListed: true }, effects };
}

/** Off the relay's list: only a hint. The peer stays while its link does. */
export function unlistPeer(peer: Peer): PeerStep {
  const effects: readonly Effect[] = isReached(peer) ? [] : [startTimer(goneTimer(peer.peerId), GONE_MS)];
  return { peer: { ...peer, isListed: false }, effects };
}

/** Carries an input through the negotiation table and turns its answer into effects. */
export function negotiate(own: Own, peer: Peer, input: NegotiationInput, sdp = '', isRestart = false): PeerStep {
  const { link, peerId } = peer;
  const step = stepNegotiation(link.negotiation, link.round, isOfferer(own, peer), input);
  const on = { peerId, generation: link.generation };
  const effects: Effect[] = [];
  if (step.action === 'make-offer') effects.push({ type: 'make-offer', ...on, round: step.round, isRestart });
  if (step.action === 'repeat-offer') effects.push({ type: 'repeat-offer', ...on, round: step.round });
  if (step.action === 'ignore') {
    effects.push({ type: 'drop', reason: input.type === 'answer-received' ? 'stale-answer' : 'ignored-offer' });
  }
  if ('round' in input) {
    const { round } = input;
    const message = { link: link.generation, round, seq: own.seq, sdp, presence: own.presence };
    if (step.action === 'send-offer') {
      effects.push({ type: 'send', to: peerId, message: { type: 'offer', ...message } });
    }
    if (step.action === 'send-answer') {
      effects.push({ type: 'send', to: peerId, message: { type: 'answer', ...message } });
    }
    if (step.action === 'accept-offer') effects.push({ type: 'accept-offer', ...on, round, sdp });
    if (step.action === 'repeat-answer') effects.push({ type: 'repeat-answer', ...on, round });
    if (step.action === 'accept-answer') effects.push({ type: 'accept-answer', ...on, round, sdp });
  }
  if (step.isOfferDue) effects.push({ type: 'make-offer', ...on, round: step.round, isRestart: false });
  const isAccepted = input.type === 'offer-accepted' || input.type === 'answer-accepted';
  // A step further: the other side, or the browser, is given its full time for the next one.
  const isFurther = isAccepted || step.action === 'send-offer';
  const isWatched = isFurther && step.negotiation !== link.negotiation && !isStanding(link);
  if (isWatched || step.negotiation.at === 'making-offer') effects.push(watchLink(peer));
  const isExchanged = isAccepted && step.negotiation !== link.negotiation && link.reached === 'nothing';
  const reached = isExchanged ? 'exchange' : link.reached;
  const heardRound = step.action === 'accept-offer' && 'round' in input ? input.round : link.heardRound;
  const next = { ...link, negotiation: step.negotiation, round: step.round, heardRound, reached };
  return { peer: { ...peer, link: next }, effects };
}

/** An offer came: opens the link where there is none yet, or replaces an older one. */
export function receiveOffer(own: Own, peer: Peer, generation: number, round: number, sdp: string): PeerStep {
  const { link } = peer;
  if (generation < link.generation || (generation > link.generation && isOfferer(own, peer))) {
    return { peer, effects: [{ type: 'drop', reason: 'stale-link' }] };
  }
  const isNewer = generation > link.generation;
  // said once more, for our answer was not heard
  if (!isNewer && round === link.heardRound && link.reached !== 'nothing') {
    return negotiate(own, peer, { type: 'offer-repeated', round });
  }
  // one that was overtaken, or kept back: it would undo what has been agreed since
  if (!isNewer && round <= link.heardRound) return { peer, effects: [{ type: 'drop', reason: 'stale-offer' }] };
  const { at } = link.negotiation;
  const isOffering = at === 'making-offer' || at === 'have-local-offer';
  // Two first offers have met (the roles changed in between), or the first exchange has failed. Rolled back, an offer of
  // ours would leave its places for tracks behind: we begin anew.
  const isSpoilt = link.reached === 'nothing' && (at === 'stable' || isOffering);
  const rounds = isNewer ? {} : { round: link.round, heardRound: link.heardRound };
  const isFresh = isNewer || isSpoilt;
  const ready: Peer = isFresh ? { ...peer, link: { ...NEW_LINK, generation, ...rounds }, ...NO_MEDIA } : peer;
  const effects: Effect[] = [];
  if (isFresh && at !== 'new') effects.push({ type: 'close-link', peerId: peer.peerId });
  if (ready.link.negotiation.at === 'new') effects.push(openLink(ready));
  const accepted = negotiate(own, ready, { type: 'offer-received', round }, sdp);
  return { peer: accepted.peer, effects: [...effects, ...accepted.effects] };
}

/** The connection's own state changed. */
export function changeTransport(peer: Peer, transport: LinkTransport): PeerStep {
  const { peerId, link, isListed } = peer;
  if (transport === 'connected') {
    const stood: Link = { ...link, transport, reached: 'connection', attempts: 0 };
    return { peer: { ...peer, link: stood }, effects: [stopTimer(goneTimer(peerId))] };
  }
  const effects: Effect[] = [];
  if (link.transport === 'connected' || transport === 'failed') {
    effects.push(startTimer(linkTimer(peerId), transport === 'failed' ? LINK_RETRY_MS : LINK_CHECK_MS));
    if (!isListed && !isReached({ ...peer, link: { ...link, transport } }))
      effects.push(startTimer(goneTimer(peerId), transport === 'failed' ? GONE_FAILED_MS : GONE_MS));
  }
  return { peer: { ...peer, link: { ...link, transport } }, effects };
}

/** The link's timer: nothing to do where it stands, else a restart, and a new connection when restarts did not help. */
export function checkLink(own: Own, peer: Peer): PeerStep {
  const { link, peerId } = peer;
  if (peer.isRefused || peer.isExposed) return { peer, effects: [] };
  if (isStanding(link)) {
    if (link.negotiation.at === 'stable' || !peer.isListed) return { peer, effects: [] };
    // Media flows, but an offer of ours was never answered: it is made again, the connection is left alone.
    return negotiate(own, peer, { type: 'retry-offer' });
  }
  const tried: Peer = { ...peer, link: { ...link, attempts: link.attempts + 1 } };
  const effects: Effect[] = [watchLink(tried)];
  if (tried.link.attempts === UNREACHABLE_ATTEMPTS && !isReached(peer)) {
    effects.push({ type: 'tell', moment: { type: 'error', code: 'peer-unreachable', isRecoverable: true } });
  }
  if (!peer.isListed) return { peer: tried, effects };
  // The newcomer's handshake is not answered: its pre-keys may be gone, or what was published has been mended since.
  if (!peer.identity && isOfferer(own, peer) && tried.link.attempts >= UNANSWERED_ATTEMPTS)
    effects.push({ type: 'meet-again', peerId });
  const isNew = link.negotiation.at === 'new';
  // One that never stood may be half another's: not worth a restart.
  const isDud = link.negotiation.at === 'stable' && link.reached !== 'connection';
  const isWorn = link.isEnded || isDud || tried.link.attempts > RESTARTS_MAX;
  if (isOfferer(own, peer) && (isWorn || isNew)) {
    const renewed = renewLink(own, tried, isNew ? link.generation : link.generation + 1);
    return { peer: renewed.peer, effects: [...renewed.effects, ...effects] };
  }
  // The other side makes the new connections, and the offers on them until they have stood.
  if (isNew || link.isEnded || (!isOfferer(own, peer) && link.reached !== 'connection')) {
    return { peer: tried, effects };
  }
  // A path that stood is lost: another is looked for. One that never stood may only be slow.
  const isLost = link.reached === 'connection';
  const offered = negotiate(own, tried, { type: isLost ? 'retry-offer' : 'repeat-offer' }, '', isLost);
  return { peer: offered.peer, effects: [...offered.effects, ...effects] };
}

/** Gives up the connection, if there is one, and offers another. */
export function renewLink(own: Own, peer: Peer, generation: number): PeerStep {
  const { peerId, link } = peer;
  const fresh = restOf(peer, generation);
  const offered = negotiate(own, fresh, { type: 'need-offer' });
  const closed: readonly Effect[] = link.negotiation.at === 'new' ? [] : [{ type: 'close-link', peerId }];
  return { peer: offered.peer, effects: [...closed, openLink(fresh), ...offered.effects] };
}

/** Gives up the connection; where the other side makes the new one, it is asked to (PM5). */
export function replaceLink(own: Own, peer: Peer): PeerStep {
  const generation = peer.link.generation + 1;
  // nothing is heard of it any more, unless it comes back
  const watch = peer.isListed ? [] : [startTimer(goneTimer(peer.peerId), GONE_MS)];
  if (isOfferer(own, peer)) {
    const renewed = renewLink(own, peer, generation);
    return { peer: renewed.peer, effects: [...renewed.effects, ...watch] };
  }
  const given = restOf(peer, generation);
  const effects: readonly Effect[] = [
    // first, so that what is said next goes over the relay
    { type: 'close-link', peerId: peer.peerId },
    sendPresence(given, own),
    watchLink(given),
    ...watch,
  ];
  return { peer: given, effects };
}

/** Without a connection: as before the first one. */
export function restOf(peer: Peer, generation: number): Peer {
  return { ...peer, link: { ...NEW_LINK, generation, attempts: peer.link.attempts }, ...NO_MEDIA };
}

function watchLink({ peerId, link }: Peer): Effect {
  const delay_ms = LINK_CHECK_MS * 2 ** Math.max(0, link.attempts + 1 - QUICK_CHECKS);
  return startTimer(linkTimer(peerId), Math.min(delay_ms, LINK_CHECK_MAX_MS));
}

/** Over the one connection or the other. */
export function isReached({ link, standby }: Peer): boolean {
  return isStanding(link) || (standby !== undefined && isStanding(standby.link));
}

/** Media can flow, whatever the relay says. */
export function isStanding(link: Link): boolean {
  return link.transport === 'connected' && !link.isEnded;
}

/** `isAsking`: we were away from the relay, and may have missed what the others said meanwhile. */
export function sendPresence(to: Peer, { presence, seq }: Own, isAsking = false): Effect {
  const { peerId, link } = to;
  return { type: 'send', to: peerId, message: { type: 'presence', link: link.generation, seq, presence, isAsking } };
}

/** A connection that is made anew while the standby carries waits for its turn. */
function openLink({ peerId, link: { generation }, route }: Peer): Effect {
  const isIdle = isStandby(generation) || route.outgoing === 'standby';
  return { type: 'open-link', peerId, generation, ...(isIdle && { isIdle }) };
}

export function freshLink(generation: number): Link {
  return { ...NEW_LINK, generation };
}

export function closeStandby({ peerId, standby }: Peer): readonly Effect[] {
  return standby ? [{ type: 'close-standby', peerId }] : [];
}

export function startTimer(id: TimerId, delay_ms: number): Effect {
  return { type: 'start-timer', id, delay_ms };
}

export function stopTimer(id: TimerId): Effect {
  return { type: 'stop-timer', id };
}

/** Who is shown now and was not before. */
export function greetings(before: Call, after: Call): readonly Effect[] {
  if (!isPresent(after)) return [];
  const known = isPresent(before) ? before.peers : undefined;
  const effects: Effect[] = [];
  for (const peer of after.peers.values()) {
    const old = known?.get(peer.peerId);
    if (peer === old || !isShown(peer) || (old && isShown(old))) continue;
    effects.push({ type: 'tell', moment: { type: 'peer-joined', peerId: peer.peerId } });
  }
  return effects;
}

/** People have to hear who it is that cannot be reached; of whom the relay alone has told they hear nothing (RL9). */
export function naming({ peer, effects }: PeerStep): PeerStep {
  if (!isShown(peer)) return { peer, effects };
  const { peerId } = peer;
  const isAbout = (effect: Effect): effect is Extract<Effect, { type: 'tell' }> =>
    effect.type === 'tell' && effect.moment.type === 'error';
  return {
    peer,
    effects: effects.map((effect) => (isAbout(effect) ? { ...effect, moment: { ...effect.moment, peerId } } : effect)),
  };
}

export function ownOf(state: RoomState, call: Present): Own {
  return { joinNumber: call.joinNumber, presence: presenceOf(state.local), seq: nextSeq(call) };
}

export function withPeer(state: RoomState, call: Present, next: PeerStep): Step {
  const peers = new Map(call.peers).set(next.peer.peerId, next.peer);
  return [{ ...state, call: { ...call, peers } }, next.effects];
}
