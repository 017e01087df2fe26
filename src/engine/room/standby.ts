/**
 * The second connection to a peer, and which of both carries sound and picture (PROTOCOL.md FO1–FO8). A path that dies is noticed by the
 * frames that cease, long before the browser's own timers say so; by then the other connection stands already. Pure.
 */
import type { PeerId } from '../protocol/ids.ts';
import { PUBLICATION_KINDS, STANDBY_FROM, isStandby } from '../protocol/peer.ts';
import type { PublicationKind } from '../protocol/peer.ts';
import type { Effect } from './events.ts';
import { GONE_FAILED_MS, GONE_MS, NO_MEDIA, ON_LINK, closeStandby, freshLink, goneTimer, isOfferer } from './peers.ts';
import { isReached, isStanding, negotiate, startTimer, stopTimer } from './peers.ts';
import type { Own, PeerStep } from './peers.ts';
import type { Peer, Way, WayName } from './state.ts';

/** After the first connection is found to go straight: what people wait for comes first. */
export const STANDBY_AFTER_MS = 1_000;
/** A standby that does not stand by then is made anew: after this, then after twice as long, and so on. */
export const STANDBY_CHECK_MS = 10_000;
const STANDBY_CHECK_MAX_MS = 320_000;
/** What is sent over both ways while one takes over from the other: no frame is missing in between. */
export const OVERLAP_MS = 1_000;
/** The first connection has to stand so long before it carries again; after every return that did not last, twice as long. */
export const RETURN_AFTER_MS = 15_000;
const RETURN_AFTER_MAX_MS = 240_000;
/** A connection that goes through a TURN host looks for a straight way so often: then twice as rarely, and so on. */
export const DIRECT_RETRY_MS = 30_000;
const DIRECT_RETRY_MAX_MS = 480_000;

const TIMERS = ['standby', 'overlap', 'return', 'direct'] as const;
type Timer = (typeof TIMERS)[number];
export type StandbyTimer = `${Timer}:${PeerId}`;

export function isStandbyTimer(id: string): id is StandbyTimer {
  return TIMERS.some((timer) => id.startsWith(`${timer}:`));
}

/** Of whom nothing is to be heard any more. */
export function stopStandbyTimers({ peerId, standbys, link }: Peer): readonly Effect[] {
  // most peers have none of them
  if (standbys === 0 && link.isRelayed === undefined) return [];
  return TIMERS.map((timer) => stopTimer(`${timer}:${peerId}`));
}

/** Carries a step out on the standby in the place of the first connection. */
export function onStandby(peer: Peer, standby: Way, run: (peer: Peer) => PeerStep): PeerStep {
  const own = wayOf(peer);
  const { peer: next, effects } = run({ ...peer, ...standby });
  // it has a timer of its own
  const isOfFirst = (effect: Effect): boolean => 'id' in effect && effect.id === `link:${peer.peerId}`;
  const told = effects.filter((effect) => !isOfFirst(effect));
  return {
    peer: { ...next, ...own, standby: wayOf(next) },
    effects: told.map((effect) => (effect.type === 'close-link' ? { ...effect, type: 'close-standby' } : effect)),
  };
}

/** What the browser says of a connection's way. */
export function stepPath(own: Own, peer: Peer, isRelayed: boolean): PeerStep {
  const found: Peer = { ...peer, link: { ...peer.link, isRelayed } };
  if (isRelayed) {
    const isLooking = isOfferer(own, peer) && !isHidden(own, peer);
    return { peer: found, effects: isLooking ? [startTimer(`direct:${peer.peerId}`, DIRECT_RETRY_MS)] : [] };
  }
  return { peer: found, effects: [stopTimer(`direct:${peer.peerId}`), ...wantStandby(own, found)] };
}

/** A TURN host is known: what could not be kept ready so far, can. */
export function wantStandby(own: Own, peer: Peer): readonly Effect[] {
  return maySpare(own, peer) ? [startTimer(`standby:${peer.peerId}`, STANDBY_AFTER_MS)] : [];
}

export function stepStandbyTimer(own: Own, peer: Peer, id: StandbyTimer): PeerStep {
  const { route, standby, link, peerId } = peer;
  switch (id.slice(0, id.indexOf(':')) as Timer) {
    case 'standby': {
      if (standby && isStanding(standby.link)) return { peer, effects: [] };
      const dropped = dropStandby(peer);
      if (!maySpare(own, dropped.peer)) {
        // at this moment; whoever waits for it to stand again, waits for this as well
        const again = !isStanding(link) && mayKeep(own, dropped.peer) ? [retryTimer(peer)] : [];
        return { peer: dropped.peer, effects: [...dropped.effects, ...again] };
      }
      const opened = openStandby(own, dropped.peer);
      return { peer: opened.peer, effects: [...dropped.effects, ...opened.effects] };
    }
    case 'overlap':
      return { peer, effects: use(peer, route.outgoing, true) };
    case 'return':
      // lasted so long that the next failure is another one's
      if (route.wanted === 'link') return { peer: { ...peer, route: { ...route, returns: 0 } }, effects: [] };
      if (!isStanding(link)) return { peer, effects: [returnTimer(peer)] };
      return ask({ ...peer, route: { ...route, returns: route.returns + 1 } }, 'link');
    case 'direct': {
      if (link.isRelayed !== true || isHidden(own, peer) || !isOfferer(own, peer)) return { peer, effects: [] };
      if (!isStanding(link)) return { peer, effects: [startTimer(`direct:${peerId}`, DIRECT_RETRY_MS)] };
      const looked: Peer = { ...peer, link: { ...link, lookups: (link.lookups ?? 0) + 1 } };
      const delay_ms = Math.min(DIRECT_RETRY_MS * 2 ** (looked.link.lookups ?? 0), DIRECT_RETRY_MAX_MS);
      const next = startTimer(`direct:${peerId}`, delay_ms);
      if (link.negotiation.at !== 'stable') return { peer: looked, effects: [next] };
      // the way that stands carries until a better one is found
      const offered = negotiate(own, looked, { type: 'retry-offer' }, '', true);
      return { peer: offered.peer, effects: [...offered.effects, next] };
    }
  }
}

/** The newcomer has offered a standby. Nobody hides behind one that is not hidden itself, and none comes back that is over. */
export function receiveStandby(own: Own, peer: Peer, generation: number, accept: (peer: Peer) => PeerStep): PeerStep {
  const isKnown = generation === peer.standby?.link.generation;
  const isNewer = generation > STANDBY_FROM + peer.standbys;
  if (isOfferer(own, peer) || isHidden(own, peer) || peer.link.negotiation.at === 'new' || !(isKnown || isNewer)) {
    return { peer, effects: [{ type: 'drop', reason: 'stale-link' }] };
  }
  if (peer.standby && isKnown) return onStandby(peer, peer.standby, accept);
  const dropped = dropStandby(peer);
  const fresh: Peer = { ...dropped.peer, standbys: generation - STANDBY_FROM };
  const accepted = onStandby(fresh, { link: freshLink(generation), ...NO_MEDIA }, accept);
  return { peer: accepted.peer, effects: [...dropped.effects, ...accepted.effects] };
}

/** There is no TURN host: it is tried again once there is (`wantStandby`), as if it had never been. */
export function barStandby(peer: Peer): PeerStep {
  const { peer: alone, effects } = dropStandby(peer);
  const stop = stopTimer(`standby:${peer.peerId}`);
  return { peer: { ...alone, standbys: Math.max(0, peer.standbys - 1) }, effects: [...effects, stop] };
}

/** The standby stands, or does not any more. */
export function changeStandby(own: Own, peer: Peer, standby: Way): PeerStep {
  const changed: Peer = { ...peer, standby };
  const { transport, isEnded } = standby.link;
  if (transport === 'connected' && !isEnded) {
    const isNeeded = peer.route.wanted === 'link' && (peer.link.isStalled === true || !isStanding(peer.link));
    return isNeeded && isMissed(peer) ? ask(changed, 'standby') : { peer: changed, effects: [] };
  }
  const isOver = transport === 'failed' || isEnded;
  const isGone = !peer.isListed && !isReached(changed);
  const watch = isGone ? [startTimer(goneTimer(peer.peerId), isOver ? GONE_FAILED_MS : GONE_MS)] : [];
  if (!isOver) return { peer: changed, effects: watch };
  const isOurs = isOfferer(own, peer) && !isHidden(own, peer);
  const dropped = dropStandby(changed);
  // the peer may not know yet, and send on into nothing
  const asked = peer.route.wanted === 'standby' ? ask(dropped.peer, 'link') : { peer: dropped.peer, effects: [] };
  const retry = isOurs ? [retryTimer(peer)] : [];
  return { peer: asked.peer, effects: [...dropped.effects, ...asked.effects, ...retry, ...watch] };
}

/** The first connection's own state has changed: where it does not stand, the standby carries; where it does again, it is given time. */
export function followLink(own: Own, { peer, effects }: PeerStep): PeerStep {
  const { standby, link, route } = peer;
  if (!standby) {
    if (!isStanding(link)) return { peer, effects };
    const wanting = [...effects, ...wantStandby(own, peer)];
    // it may send to a standby that is no more: what it was told then named a connection before this one
    return route.asked > 0 ? following(wanting, ask(peer, 'link')) : { peer, effects: wanting };
  }
  const isCarried = isStanding(standby.link) && standby.link.isStalled === false;
  if (!isStanding(link)) {
    // what was asked before may have gone down a dead path
    if (!isStanding(standby.link) || (route.wanted === 'standby' && isCarried)) return { peer, effects };
    return following(effects, ask(peer, 'standby'));
  }
  if (route.wanted === 'standby') {
    return isCarried ? { peer, effects: [...effects, returnTimer(peer)] } : following(effects, ask(peer, 'link'));
  }
  // made anew, it sends nothing until it is asked to; what was asked for was the one before
  return link.isStalled === undefined ? following(effects, ask(peer, 'link')) : { peer, effects };
}

function following(effects: readonly Effect[], next: PeerStep): PeerStep {
  return { peer: next.peer, effects: [...effects, ...next.effects] };
}

/** Frames have begun to come on one of both, or have ceased; with a kind, those of that kind. */
export function stepFlow(
  peer: Peer,
  name: WayName,
  { isFlowing, kind }: { readonly isFlowing: boolean; readonly kind?: PublicationKind },
): PeerStep {
  const way = name === 'standby' ? peer.standby : peer;
  if (!way) return { peer, effects: [] };
  const { route } = peer;
  if (kind !== undefined) {
    const noted = withWay(peer, name, { ...way, flowing: { ...way.flowing, [kind]: isFlowing } });
    if (!isFlowing || route.wanted !== name) return { peer: noted, effects: [] };
    return { peer: { ...noted, route: { ...route, shown: { ...route.shown, [kind]: name } } }, effects: [] };
  }
  const noted = withWay(peer, name, { ...way, link: { ...way.link, isStalled: !isFlowing } });
  const other: WayName = name === 'standby' ? 'link' : 'standby';
  if (isFlowing || !isMissed(peer)) return { peer: noted, effects: [] };
  if (route.wanted === name) return stands(peer, other) ? ask(noted, other) : { peer: noted, effects: [] };
  // the other one was asked for, and has brought nothing so far
  const isInVain = (other === 'standby' ? peer.standby : peer)?.link.isStalled !== false;
  return isInVain && stands(peer, name) ? ask(noted, name) : { peer: noted, effects: [] };
}

/** The peer asks for our sound and picture on one of both. */
export function receiveRoute(peer: Peer, { link, seq }: { readonly link: number; readonly seq: number }): PeerStep {
  // each comes by two ways
  if (seq === peer.route.heard) return { peer, effects: [] };
  if (seq < peer.route.heard) return { peer, effects: [{ type: 'drop', reason: 'stale-state' }] };
  const outgoing: WayName = isStandby(link) ? 'standby' : 'link';
  if (generationOf(peer, outgoing) !== link) return { peer, effects: [{ type: 'drop', reason: 'stale-link' }] };
  const next: Peer = { ...peer, route: { ...peer.route, outgoing, heard: seq } };
  // said again and again, it must not have us send over both for ever
  if (outgoing === peer.route.outgoing) return { peer: next, effects: use(next, outgoing, false) };
  return { peer: next, effects: [...use(next, outgoing, false), startTimer(`overlap:${peer.peerId}`, OVERLAP_MS)] };
}

/** Gives the standby up; what it carried goes over the first connection again. */
export function dropStandby(peer: Peer): PeerStep {
  if (!peer.standby) return { peer, effects: [] };
  const { outgoing } = peer.route;
  const route = { ...peer.route, wanted: 'link', shown: ON_LINK, outgoing: 'link' } as const;
  const effects: readonly Effect[] = [
    ...closeStandby(peer),
    ...(outgoing === 'standby' ? use(peer, 'link', true) : []),
    stopTimer(`overlap:${peer.peerId}`),
    ...(peer.route.wanted === 'standby' ? [stopTimer(`return:${peer.peerId}`)] : []),
  ];
  return { peer: { ...peer, standby: undefined, route }, effects };
}

function openStandby(own: Own, peer: Peer): PeerStep {
  const standbys = peer.standbys + 1;
  const way: Way = { link: freshLink(STANDBY_FROM + standbys), ...NO_MEDIA };
  const offered = onStandby({ ...peer, standbys }, way, (each) => {
    const made = negotiate(own, each, { type: 'need-offer' });
    const open: Effect = { type: 'open-link', peerId: each.peerId, generation: each.link.generation, isIdle: true };
    return { peer: made.peer, effects: [open, ...made.effects] };
  });
  return { peer: offered.peer, effects: [...offered.effects, retryTimer(offered.peer)] };
}

function ask(peer: Peer, wanted: WayName): PeerStep {
  const link = generationOf(peer, wanted);
  if (link === undefined) return { peer, effects: [] };
  const { route, peerId } = peer;
  const asked = route.asked + 1;
  const { flowing = {} } = (wanted === 'standby' ? peer.standby : peer) ?? {};
  const shown = { ...route.shown };
  for (const kind of PUBLICATION_KINDS) if (flowing[kind]) shown[kind] = wanted;
  const next: Peer = { ...peer, route: { ...route, wanted, asked, shown } };
  const send: Effect = { type: 'send', to: peerId, message: { type: 'route', link, seq: asked } };
  return { peer: next, effects: [send, returnTimer(next)] };
}

/** After a failure: until the first connection may carry again. After a return: until it counts as lasting. */
function returnTimer({ peerId, route }: Peer): Effect {
  return startTimer(`return:${peerId}`, Math.min(RETURN_AFTER_MS * 2 ** route.returns, RETURN_AFTER_MAX_MS));
}

function retryTimer({ peerId, standbys }: Peer): Effect {
  const delay_ms = STANDBY_CHECK_MS * 2 ** Math.max(0, standbys - 1);
  return startTimer(`standby:${peerId}`, Math.min(delay_ms, STANDBY_CHECK_MAX_MS));
}

function use(peer: Peer, name: WayName, isOnly: boolean): readonly Effect[] {
  const generation = generationOf(peer, name);
  return generation === undefined ? [] : [{ type: 'use-link', peerId: peer.peerId, generation, isOnly }];
}

function generationOf(peer: Peer, name: WayName): number | undefined {
  return (name === 'standby' ? peer.standby : peer)?.link.generation;
}

function stands(peer: Peer, name: WayName): boolean {
  const way = name === 'standby' ? peer.standby : peer;
  return way !== undefined && isStanding(way.link);
}

/** Of two people one keeps a second connection ready, where the first one goes straight and nothing is to be hidden. */
function maySpare(own: Own, peer: Peer): boolean {
  return mayKeep(own, peer) && !peer.standby && isStanding(peer.link);
}

function mayKeep(own: Own, peer: Peer): boolean {
  const { link, isRefused, isExposed, isUnsealed } = peer;
  const isFit = !isRefused && !isExposed && !isUnsealed && !isHidden(own, peer);
  return isFit && isOfferer(own, peer) && link.isRelayed === false;
}

/** Who publishes nothing has nothing to send. */
function isMissed({ presence }: Peer): boolean {
  return (presence?.publications.length ?? 0) > 0;
}

function isHidden({ presence }: Own, peer: Peer): boolean {
  return (presence.isPrivate ?? false) || (peer.presence?.isPrivate ?? false);
}

function wayOf({ link, tracks, frames, flowing }: Way): Way {
  return { link, tracks, frames, flowing };
}

function withWay(peer: Peer, name: WayName, way: Way): Peer {
  return name === 'standby' ? { ...peer, standby: wayOf(way) } : { ...peer, ...wayOf(way) };
}
