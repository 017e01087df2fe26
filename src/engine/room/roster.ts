/**
 * Who may read, and whether everybody sees the same people (PROTOCOL.md RO1–RO6). The relay can refuse service; what it must
 * not be able to do unseen is to insert somebody, to take somebody away, or to split the room. Pure.
 *
 * Each side tells the others whom it has agreed keys with. A difference shortly after somebody came or went is nothing
 * but the time that news takes; one that stays is shown, with the name of the peer whom one side does not see.
 */
import type { PeerId } from '../protocol/ids.ts';
import type { RosterMember, RosterReport } from '../protocol/peer.ts';
import type { Effect } from './events.ts';
import { nextSeq } from './order.ts';
import { isPresent } from './state.ts';
import type { Call, Present, RosterMismatch, RosterState } from './state.ts';

/** From the last change to our telling it: by then most connections stand and carry it. */
export const ROSTER_SETTLE_MS = 400;
/** A difference is a mismatch when the verdict's clock has struck twice since: after one to two of these. */
export const ROSTER_VERDICT_MS = 1_000;
const STRIKES_MAX = 2;
/**
 * Where we are not connected with one of the two yet: news travels no faster than connections come to stand. Whoever keeps
 * a connection from standing gains no more than this, and no more than two looks at the link, which nothing begins anew.
 */
export const CONNECTING_STRIKES_MAX = 10;
const CONNECTING_LOOKS_MAX = 2;
/** One side may notice so much later than another that somebody's connection is lost. */
export const ROSTER_GRACE_MS = 20_000;
/** Told again this often, which also moves the ratchets (HS10). */
export const ROSTER_BEAT_MS = 30_000;

export const NO_ROSTER: RosterState = {
  epoch: 0,
  reports: new Map(),
  departed: new Set(),
  isAnnounceDue: false,
  isJudging: false,
  isGraceOver: true,
  verdict: 'settling',
  mismatches: [],
};

/** Those we have agreed keys with, and ourselves. */
export function rosterMembers(call: Present): readonly RosterMember[] {
  const members: RosterMember[] = [{ peerId: call.peerId, certificate: call.certificate }];
  for (const { peerId, identity, isRefused } of call.peers.values()) {
    if (identity && !isRefused) members.push({ peerId, certificate: identity.certificate });
  }
  return members;
}

/** After every step: notices that somebody came or went, and has it told. */
export function watchRoster(before: Call, after: Call, effects: readonly Effect[]): readonly [Call, readonly Effect[]] {
  const old = keysOf(before);
  if (!isPresent(after)) return [after, old.size > 1 ? [...effects, ...TIMERS.map(stop)] : effects];
  const now = keysOf(after);
  const gone = [...old].filter((key) => !now.has(key));
  if (now.size < 2) {
    // alone: nobody to agree with
    if (old.size < 2) return [after, effects];
    const roster: RosterState = { ...NO_ROSTER, epoch: after.roster.epoch + 1 };
    return [{ ...after, roster }, [...effects, ...TIMERS.map(stop), announce({ ...after, roster }, [], false, true)]];
  }
  if (gone.length === 0 && [...now].every((key) => old.has(key))) return [after, effects];
  const { roster } = after;
  const departed = new Set([...roster.departed, ...gone]);
  // who came back is not gone
  for (const key of now) departed.delete(key);
  const next: RosterState = {
    ...roster,
    epoch: roster.epoch + 1,
    reports: new Map(
      [...roster.reports]
        .filter(([peerId]) => after.peers.has(peerId))
        .map(([peerId, report]) => [peerId, { ...report, strikes: 0 }]),
    ),
    departed,
    isAnnounceDue: true,
    isJudging: true,
    isGraceOver: roster.isGraceOver && gone.length === 0,
  };
  const timers: Effect[] = [
    // never put off: else coming and going could keep it from ever being told
    ...(roster.isAnnounceDue ? [] : [start('roster-announce', ROSTER_SETTLE_MS)]),
    ...(roster.isJudging ? [] : [start('roster-verdict', ROSTER_SETTLE_MS + ROSTER_VERDICT_MS)]),
    start('roster-beat', ROSTER_BEAT_MS),
  ];
  if (gone.length > 0) timers.push(start('roster-grace', ROSTER_GRACE_MS));
  const [call, told] = judge({ ...after, roster: next });
  return [call, [...effects, ...timers, ...told]];
}

/** Empty where we are in no room. */
function keysOf(call: Call): ReadonlySet<string> {
  return new Set(isPresent(call) ? rosterMembers(call).map(keyOf) : []);
}

/** A peer has told whom it sees; its MAC has been checked, and it has told nothing newer before. */
export function receiveRoster(call: Present, from: PeerId, report: RosterReport): readonly [Call, readonly Effect[]] {
  const { roster: held } = call;
  const members = new Set(report.members.map(keyOf));
  const last = held.reports.get(from);
  const lost = [...(last?.members ?? [])].some((key) => !members.has(key));
  const isSame = last !== undefined && !lost && members.size === last.members.size;
  const own = keysOf(call);
  // bounded by our own roster, whatever it names
  const ever = new Set([...(last?.ever ?? []), ...(last?.members ?? []), ...members].filter((key) => own.has(key)));
  const reports = new Map(held.reports).set(from, { members, ever, strikes: isSame ? last.strikes : 0 });
  const isGraceOver = held.isGraceOver && !lost;
  const isJudging = held.isJudging || !isSame;
  const roster: RosterState = { ...held, reports, isGraceOver, isJudging };
  const effects: Effect[] = [];
  // Never started anew: else one who keeps changing his report could keep all others' from being judged.
  if (isJudging && !held.isJudging) effects.push(start('roster-verdict', ROSTER_VERDICT_MS));
  // Nor this: who takes somebody off his report again and again gets no more time for it.
  if (lost && held.isGraceOver) effects.push(start('roster-grace', ROSTER_GRACE_MS));
  if (report.isAsking) effects.push(answerRoster(call, from));
  const [next, told] = judge({ ...call, roster });
  return [next, [...effects, ...told]];
}

/** To one that has asked. */
export function answerRoster(call: Present, peerId: PeerId): Effect {
  return announce(call, [peerId], false);
}

/** To one that may not have heard us; it is asked for its own, too. */
export function retellRoster(call: Present, peerId: PeerId): Effect {
  return announce(call, [peerId], true);
}

/** To all: what they have told us may be lost. */
export function askRosters(call: Present): Effect {
  return announce(call, peersOf(call), true);
}

export type RosterTimer = (typeof TIMERS)[number];
const TIMERS = ['roster-announce', 'roster-verdict', 'roster-grace', 'roster-beat'] as const;

export function isRosterTimer(id: string): id is RosterTimer {
  return TIMERS.some((timer) => timer === id);
}

export function stepRosterTimer(call: Present, id: RosterTimer): readonly [Call, readonly Effect[]] {
  switch (id) {
    case 'roster-announce': {
      const roster: RosterState = { ...call.roster, isAnnounceDue: false };
      return [{ ...call, roster }, [announce(call, peersOf(call), false, true)]];
    }
    case 'roster-beat': {
      // One side of each pair asks; the other answers.
      const asked = peersOf(call).filter((peerId) => (call.peers.get(peerId)?.joinNumber ?? 0) < call.joinNumber);
      return [call, [announce(call, asked, true), start('roster-beat', ROSTER_BEAT_MS)]];
    }
    case 'roster-verdict':
      return strike(call);
    case 'roster-grace':
      return judge({ ...call, roster: { ...call.roster, isGraceOver: true, departed: new Set() } });
  }
}

/** Every report is a little older; the clock goes on while one is young. */
function strike(call: Present): readonly [Call, readonly Effect[]] {
  const { roster } = call;
  const reports = new Map(
    [...roster.reports].map(([peerId, report]) => [
      peerId,
      { ...report, strikes: Math.min(report.strikes + 1, CONNECTING_STRIKES_MAX) },
    ]),
  );
  const isJudging = [...reports.values()].some(({ strikes }) => strikes < STRIKES_MAX);
  const [next, told] = judge({ ...call, roster: { ...roster, reports, isJudging } });
  return [next, isJudging ? [start('roster-verdict', ROSTER_VERDICT_MS), ...told] : told];
}

/** Compares what each peer sees with what we see. */
function judge(call: Present): readonly [Call, readonly Effect[]] {
  const { roster } = call;
  const own = new Set(rosterMembers(call).map(keyOf));
  const mismatches: RosterMismatch[] = [];
  let isOpen = false;
  let isConnecting = false;
  for (const by of peersOf(call)) {
    const report = roster.reports.get(by);
    if (!report) {
      isOpen = true;
      continue;
    }
    const unseen = [...own].filter((key) => !report.members.has(key));
    const unknown = [...report.members].filter((key) => !own.has(key));
    for (const key of [...unseen, ...unknown]) {
      const isExcused = !roster.isGraceOver && (roster.departed.has(key) || (own.has(key) && report.ever.has(key)));
      const isEarly = report.strikes < CONNECTING_STRIKES_MAX && isUnconnected(call, [by, peerOf(key)]);
      isConnecting ||= isEarly;
      if (isExcused || isEarly || report.strikes < STRIKES_MAX) isOpen = true;
      else mismatches.push({ by, peerId: peerOf(key) });
    }
  }
  const verdict = mismatches.length > 0 ? 'mismatch' : isOpen ? 'settling' : 'consistent';
  const isNews = verdict === 'mismatch' && roster.verdict !== 'mismatch';
  // the clock strikes on while a connection is waited for
  const isLate = isConnecting && !roster.isJudging;
  const isJudging = roster.isJudging || isConnecting;
  const moment = { type: 'error', code: 'roster-mismatch', isRecoverable: true } as const;
  const effects: Effect[] = isLate ? [start('roster-verdict', ROSTER_VERDICT_MS)] : [];
  if (isNews) effects.push({ type: 'tell', moment });
  return [{ ...call, roster: { ...roster, isJudging, verdict, mismatches } }, effects];
}

/** Of these, one is still being connected with for the first time. What was told once is not taken back for that. */
function isUnconnected({ peers, roster }: Present, peerIds: readonly PeerId[]): boolean {
  if (roster.verdict === 'mismatch') return false;
  return peerIds.some((peerId) => {
    const link = peers.get(peerId)?.link;
    if (link === undefined || link.isEnded || link.attempts >= CONNECTING_LOOKS_MAX) return false;
    return link.transport === 'new' || link.transport === 'connecting';
  });
}

function announce(call: Present, to: readonly PeerId[], isAsking: boolean, isChange = false): Effect {
  return { type: 'announce-roster', seq: nextSeq(call), members: rosterMembers(call), to, isAsking, isChange };
}

/** Those who have to agree with us. */
function peersOf(call: Present): readonly PeerId[] {
  return rosterMembers(call)
    .map(({ peerId }) => peerId)
    .filter((peerId) => peerId !== call.peerId);
}

function keyOf(member: RosterMember): string {
  return `${member.peerId} ${member.certificate}`;
}

function peerOf(key: string): PeerId {
  // made by keyOf, so that it begins with a peer id
  return key.slice(0, key.indexOf(' ')) as PeerId;
}

function start(id: RosterTimer, delay_ms: number): Effect {
  return { type: 'start-timer', id, delay_ms };
}

function stop(id: RosterTimer): Effect {
  return { type: 'stop-timer', id };
}
