/**
 * What a session knows, as unions: a phase holds only the fields it has. Plain data, safe to keep and compare;
 * media tracks stand here by id, the tracks themselves live in `media` and `transport`.
 */
import type { ErrorCode } from '../protocol/errors.ts';
import type { Door } from '../protocol/host.ts';
import type { PeerId } from '../protocol/ids.ts';
import type { Presence, PublicationKind, Sender } from '../protocol/peer.ts';

/** MediaStreamTrack.id of a local track, or an id given by the link for a remote one. */
export type TrackId = string;

/** A microphone or camera of our own. */
export type Device =
  | { readonly state: 'off' }
  | { readonly state: 'starting'; readonly deviceId: string | undefined }
  | {
      readonly state: 'live';
      readonly trackId: TrackId;
      readonly deviceId: string;
      readonly label: string;
      readonly isMuted: boolean;
    }
  | { readonly state: 'failed'; readonly code: ErrorCode };

/**
 * How our addresses are kept from the others (PROTOCOL.md PR). `turn-unavailable`: nothing is sent but over the relay, for there is
 * no TURN host to hide behind. `failed`: a connection has gone past its TURN host; it was closed, but somebody may have seen them.
 */
export type Privacy = 'off' | 'on' | 'turn-unavailable' | 'failed';

export type Local = {
  readonly name: string;
  readonly privacy: Privacy;
  readonly microphone: Device;
  readonly camera: Device;
  /** The devices asked for by id, also while they are off. */
  readonly preferred: { readonly [Kind in PublicationKind]?: string };
};

/**
 * Where the offer/answer exchange of one link stands. `round` numbers the offers made by one side, so that a late answer
 * is told from the one awaited. `isStale`: something changed meanwhile, offer again once stable.
 */
export type Negotiation =
  | { readonly at: 'new' }
  | { readonly at: 'stable' }
  | { readonly at: 'making-offer'; readonly round: number; readonly isStale: boolean }
  | { readonly at: 'have-local-offer'; readonly round: number; readonly isStale: boolean }
  | { readonly at: 'accepting-offer'; readonly round: number; readonly isStale: boolean }
  | { readonly at: 'accepting-answer'; readonly round: number; readonly isStale: boolean };

/** RTCPeerConnection.connectionState, less `closed` (a closed link is a missing one). */
export type LinkTransport = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed';

export type Link = {
  /** Counts the connections tried between these two peers; messages of an older one are dropped. */
  readonly generation: number;
  readonly negotiation: Negotiation;
  /** The number of our last offer. */
  readonly round: number;
  /** The highest number of an offer of the peer that we have taken up; 0 where there is none. */
  readonly heardRound: number;
  readonly transport: LinkTransport;
  /** How far this connection has come, whatever became of it: our side completed an exchange; both sides did. */
  readonly reached: 'nothing' | 'exchange' | 'connection';
  /** Times in a row that the link was found not to stand. */
  readonly attempts: number;
  /** The peer closed this connection. */
  readonly isEnded: boolean;
  /** Whether it goes through a TURN host; `undefined` until that was looked at. */
  readonly isRelayed?: boolean;
  /** How often a straight way was looked for since then. */
  readonly lookups?: number;
  /** Frames of the peer came on it, and have ceased; `undefined`: none has come yet. */
  readonly isStalled?: boolean;
};

/** One connection and what comes over it. */
export type Way = {
  readonly link: Link;
  readonly tracks: { readonly [Kind in PublicationKind]?: TrackId };
  /** Whether what comes on this link opens; a kind that is missing: nothing has come yet. */
  readonly frames: { readonly [Kind in PublicationKind]?: 'opened' | 'failing' };
  /** Of which kinds frames come on it now, and open. */
  readonly flowing: { readonly [Kind in PublicationKind]?: boolean };
};

/** Of two connections to a peer the first, or the standby through a TURN host (PROTOCOL.md FO1). */
export type WayName = 'link' | 'standby';

/** Which of both carries sound and picture (PROTOCOL.md FO2–FO5). */
export type Route = {
  /** What we have asked the peer for last, and under which number. */
  readonly wanted: WayName;
  readonly asked: number;
  /** On which we show what the peer publishes: where it was before, until the first frame of that kind comes on the one that is wanted. */
  readonly shown: { readonly [Kind in PublicationKind]: WayName };
  /** What the peer has asked us for last, and under which number. */
  readonly outgoing: WayName;
  readonly heard: number;
  /** How often in a row sound and picture came back from the standby: each time later. */
  readonly returns: number;
};

/**
 * How the device behind a peer stands with us. `changed`: somebody of this name had another device's keys before. `differs`:
 * codes were compared, and are different. `revoked`: who held its keys has declared them dead.
 */
export type Standing = 'new' | 'known' | 'verified' | 'changed' | 'differs' | 'revoked';

export type AgreedIdentity = Sender & { readonly standing: Standing };

export type RosterMismatch = { readonly by: PeerId; readonly peerId: PeerId };

/** Members stand here as `peer id certificate`. */
export type HeldReport = {
  readonly members: ReadonlySet<string>;
  /** Those of our own roster that it has ever named. */
  readonly ever: ReadonlySet<string>;
  /** How often the verdict's clock has struck since this report or our own roster has changed. */
  readonly strikes: number;
};

export type RosterState = {
  /** Counts the changes of who may read. */
  readonly epoch: number;
  readonly reports: ReadonlyMap<PeerId, HeldReport>;
  /** Gone from our side a short while ago. */
  readonly departed: ReadonlySet<string>;
  /** A change has not been told yet. */
  readonly isAnnounceDue: boolean;
  /** The verdict's clock is running. */
  readonly isJudging: boolean;
  /** The last loss is long enough ago for a difference to count that may come from a lost connection. */
  readonly isGraceOver: boolean;
  readonly verdict: 'settling' | 'consistent' | 'mismatch';
  readonly mismatches: readonly RosterMismatch[];
};

/** The highest numbers that a peer's statements of each kind have come with (PM11). */
export type Heard = { readonly presence: number; readonly roster: number };

/** What is remembered of a peer that has spoken and is gone: nothing old is to bring it back. */
export type Gone = {
  readonly heard: Heard;
  /** The last numbers of what we asked it for, and of its standbys: it may still hold both. */
  readonly asked: number;
  readonly standbys: number;
  /** It has said so itself: nobody comes back under a peer id that was left. */
  readonly hasLeft: boolean;
  /** PR9: our address went to it. Nothing is opened to it any more, whoever lists it. */
  readonly isExposed: boolean;
};

export type Peer = Way & {
  readonly peerId: PeerId;
  readonly joinNumber: number;
  /** Whether the relay lists this peer now. Only a hint: the relay is not trusted to remove anybody. */
  readonly isListed: boolean;
  /** Told by the peer itself, sealed; `undefined` until its first message. */
  readonly presence: Presence | undefined;
  readonly heard: Heard;
  /** What the handshake has proved about who speaks; `undefined` until a message of the peer has opened. */
  readonly identity: AgreedIdentity | undefined;
  /** It has published keys that only a holder of the link can make, and we have spoken to them. */
  readonly isMet: boolean;
  /** Its keys are not what they have to be: nothing goes to it, nothing of it counts. */
  readonly isRefused: boolean;
  /** A second connection, kept warm: sends nothing while the first one carries. */
  readonly standby: Way | undefined;
  /** The highest number that a standby has had. */
  readonly standbys: number;
  readonly route: Route;
  /** The browser has sent it more than was sealed: nothing is sent any more. */
  readonly isUnsealed: boolean;
  /** A connection to it has gone past our TURN host: there is no other one in this join. */
  readonly isExposed: boolean;
};

export type Peers = ReadonlyMap<PeerId, Peer>;

export type LeaveReason = 'left' | 'refused' | 'room-full' | 'room-locked' | 'declined' | 'kicked';

/** Who is in the room with us. */
type Company = {
  readonly peerId: PeerId;
  readonly joinNumber: number;
  /** SHA-256 of our own certificate, base64url. */
  readonly certificate: string;
  readonly roster: RosterState;
  readonly peers: Peers;
  /** Whom we have given up for good in this join: that the relay lists them again changes nothing. */
  readonly refused: ReadonlySet<PeerId>;
  /** The last generation with peers that were given up: one that comes back may still have that connection. */
  readonly generations: ReadonlyMap<PeerId, number>;
  /** Of those that have spoken to us in this join, and are gone. */
  readonly gone: ReadonlyMap<PeerId, Gone>;
  /** The number that our state was last told under (PM11); 0 where we have not told it yet. */
  readonly said: number;
};

/** What the page was last told about a relay that does not let us in: said once, however often it is tried. */
type Trouble = { readonly trouble?: ErrorCode };

export type Call =
  | { readonly phase: 'idle' }
  | { readonly phase: 'lobby' }
  | ({ readonly phase: 'joining'; readonly peerId: PeerId } & Trouble)
  | ({ readonly phase: 'joined' } & Company)
  | ({ readonly phase: 'reconnecting' } & Company & Trouble)
  | { readonly phase: 'left'; readonly reason: LeaveReason };

export type Phase = Call['phase'];
/** The phases in which there are peers. */
export type Present = Extract<Call, { readonly peers: Peers }>;

/** Before the room's door, and what the host wants of it. */
export type Desk = {
  /** Our link is the host's. */
  readonly isHost: boolean;
  /** What we want, as the host; what a guest's page says here comes to nothing. */
  readonly wish: { readonly isLocked: boolean; readonly isKnock: boolean };
  /** What the relay says. Only the relay can hold a door shut, and only it can say that it does. */
  readonly door: Door;
  /** Who knocks, with the name in the note. */
  readonly knocks: ReadonlyMap<PeerId, string>;
  /** We stand outside and have knocked. */
  readonly isWaiting: boolean;
};

export type RoomState = { readonly local: Local; readonly call: Call; readonly desk: Desk };

export const OFF: Device = { state: 'off' };

export const INITIAL_DESK: Desk = {
  isHost: false,
  wish: { isLocked: false, isKnock: false },
  door: 'open',
  knocks: new Map(),
  isWaiting: false,
};

export const INITIAL_STATE: RoomState = {
  local: { name: '', privacy: 'off', microphone: OFF, camera: OFF, preferred: {} },
  call: { phase: 'idle' },
  desk: INITIAL_DESK,
};

export function isPresent(call: Call): call is Present {
  return call.phase === 'joined' || call.phase === 'reconnecting';
}

/** Why a peer is gone: it said so itself, sealed; it fell silent; its keys were refused; or the host has said so, signed. */
export type PeerLeaveReason = 'left' | 'connection-lost' | 'refused' | 'kicked';
