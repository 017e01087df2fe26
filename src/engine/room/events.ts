/** What goes into `step` and what comes out of it. All time, ids and randomness are inside the events. */
import type { CloseReason, ErrorCode } from '../protocol/errors.ts';
import type { Door, DoorAction, TargetAction } from '../protocol/host.ts';
import type { PeerId } from '../protocol/ids.ts';
import type { Candidate, PublicationKind, RoomMessage, RosterMember, Sender } from '../protocol/peer.ts';
import type { FramesTimer } from './frames.ts';
import type { NegotiationWork } from './negotiation.ts';
import type { RosterTimer } from './roster.ts';
import type { StandbyTimer } from './standby.ts';
import type { LeaveReason, LinkTransport, PeerLeaveReason, RoomState, Standing, TrackId } from './state.ts';

/** Names one connection between two peers. */
type OnLink = { readonly peerId: PeerId; readonly generation: number };
type OnRound = OnLink & { readonly round: number };

export type RoomEvent =
  // asked for by the page
  | { readonly type: 'open-lobby'; readonly microphone: boolean; readonly camera: boolean }
  | { readonly type: 'join'; readonly peerId: PeerId }
  | { readonly type: 'leave' }
  | { readonly type: 'set-name'; readonly name: string }
  | { readonly type: 'set-microphone'; readonly isOn: boolean }
  | { readonly type: 'set-camera'; readonly isOn: boolean }
  | { readonly type: 'rotate-sender-keys' }
  /** Off only outside a call. */
  | { readonly type: 'set-private'; readonly isOn: boolean }
  | { readonly type: 'set-device'; readonly kind: PublicationKind; readonly deviceId: string }
  | DeskEvent
  // told by the devices
  | {
      readonly type: 'device-live';
      readonly kind: PublicationKind;
      readonly trackId: TrackId;
      readonly deviceId: string;
      readonly label: string;
    }
  | { readonly type: 'device-failed'; readonly kind: PublicationKind; readonly code: ErrorCode }
  | { readonly type: 'device-ended'; readonly kind: PublicationKind; readonly trackId: TrackId }
  // told by the relay
  | {
      readonly type: 'welcome';
      readonly joinNumber: number;
      /** SHA-256 of our own certificate, base64url. */
      readonly certificate: string;
      readonly peers: readonly ListedPeer[];
      /** Left out: open. */
      readonly door?: Door;
    }
  | ({ readonly type: 'peer-listed' } & ListedPeer)
  | { readonly type: 'peer-unlisted'; readonly peerId: PeerId }
  | { readonly type: 'relay-lost' }
  /** Some of what others have said to us over the relay is lost, while we were in the room. */
  | { readonly type: 'relay-gap' }
  | { readonly type: 'relay-closed'; readonly reason: CloseReason }
  /** The browser could not make the room's keys: nothing can be sealed, so nothing is sent. */
  | { readonly type: 'keys-failed' }
  /** No frame can be sealed here, or addresses cannot be hidden as asked: nothing is joined that could only be joined in the clear. */
  | { readonly type: 'sealing-failed'; readonly code: 'unsupported-browser' | 'worker-blocked' | 'privacy-failed' }
  // told by a peer: sealed, opened, parsed
  | { readonly type: 'message'; readonly from: PeerId; readonly sender: Sender; readonly message: RoomMessage }
  // told by the keys
  /** We have begun a session with what this peer has published. */
  | { readonly type: 'peer-met'; readonly peerId: PeerId }
  /** It has begun its session with us anew: what we have said in the one before is lost. */
  | { readonly type: 'peer-renewed'; readonly peerId: PeerId }
  | { readonly type: 'peer-identified'; readonly peerId: PeerId; readonly standing: Standing }
  /** Somebody here has compared codes with this peer's device. What is looked up later does not undo a difference. */
  | { readonly type: 'peer-compared'; readonly peerId: PeerId; readonly isSame: boolean }
  /** Somebody begins as this peer who is not, or keys came that cannot be its own. The peer itself is not to blame. */
  | {
      readonly type: 'peer-doubted';
      readonly peerId: PeerId;
      readonly reason: DoubtReason;
      /** The keys that it is about have signed for this peer: nobody else could have given cause for it. */
      readonly isSigned?: boolean;
    }
  /** The peer itself shows what it must not: another DTLS certificate than it has named, or revoked keys. */
  | { readonly type: 'peer-refused'; readonly peerId: PeerId; readonly isRevoked?: boolean }
  // told by a link
  | ({ readonly type: 'offer-made'; readonly sdp: string } & OnRound)
  | ({ readonly type: 'offer-accepted'; readonly sdp: string } & OnRound)
  | ({ readonly type: 'answer-accepted' } & OnRound)
  | ({ readonly type: 'negotiation-failed'; readonly work: NegotiationWork } & OnRound)
  | ({ readonly type: 'candidates-found'; readonly candidates: readonly Candidate[] } & OnLink)
  | ({ readonly type: 'transport-changed'; readonly transport: LinkTransport } & OnLink)
  | ({ readonly type: 'ended-by-peer' } & OnLink)
  | ({ readonly type: 'remote-track'; readonly kind: PublicationKind; readonly trackId: TrackId } & OnLink)
  /** PR2: it was not opened, for there is no TURN host to hide behind. */
  | ({ readonly type: 'link-barred' } & OnLink)
  /** PR9: what was to be hidden went another way than through a TURN host of ours. */
  | ({ readonly type: 'path-exposed' } & OnLink)
  /** There is a TURN host (again). */
  | { readonly type: 'turn-found' }
  /** How it goes, found by a look at what the browser says of it. */
  | ({ readonly type: 'path-found'; readonly isRelayed: boolean } & OnLink)
  // told by the worker
  | ({ readonly type: 'frames'; readonly kind: PublicationKind; readonly state: 'opened' | 'failing' } & OnLink)
  | ({ readonly type: 'frames-unsealed' } & OnLink)
  /** Frames of the peer have begun to come on this link, or have ceased (FO3); with a kind, those of that kind that open. */
  | ({ readonly type: 'frames-flow'; readonly isFlowing: boolean; readonly kind?: PublicationKind } & OnLink)
  // told by the clock
  | { readonly type: 'timer'; readonly id: TimerId };

/** About the room's door (AD9–AD15). */
export type DeskEvent =
  // known from our link; asked for by the page
  | { readonly type: 'host-known' }
  | { readonly type: 'lock' | 'set-knock'; readonly isOn: boolean }
  | { readonly type: 'admit' | 'decline' | 'kick'; readonly peerId: PeerId }
  // told by the relay
  | { readonly type: 'waiting' }
  | { readonly type: 'door-changed'; readonly door: Door }
  | { readonly type: 'peer-knocked'; readonly peerId: PeerId; readonly name: string }
  | { readonly type: 'knock-ended'; readonly peerId: PeerId }
  // told by the keys: the host has signed it
  | { readonly type: 'peer-kicked'; readonly peerId: PeerId };

/** What brings a peer's keys into doubt. */
export type DoubtReason =
  // somebody begins as this peer
  | 'second-handshake'
  | 'copied-certificate'
  | 'revoked'
  | 'wrong-mode'
  // what it has published
  | 'bad-bundle'
  | 'refused-key'
  | 'refused-peer'
  | 'too-many-peers'
  // its part in the room code
  | 'wrong-reveal'
  | 'withheld-nonce';

export type ListedPeer = { readonly peerId: PeerId; readonly joinNumber: number };

/** `link`: look whether the link stands, else try again. `gone`: give the peer up. */
export type TimerId = `link:${PeerId}` | `gone:${PeerId}` | StandbyTimer | RosterTimer | FramesTimer | 'host-door';

export type Effect =
  | { readonly type: 'open-device'; readonly kind: PublicationKind; readonly deviceId: string | undefined }
  | { readonly type: 'close-device'; readonly kind: PublicationKind }
  | { readonly type: 'mute-device'; readonly kind: PublicationKind; readonly isMuted: boolean }
  /** Every link sends this kind's live track from now on, or nothing. */
  | { readonly type: 'publish-track'; readonly kind: PublicationKind }
  | { readonly type: 'connect-relay'; readonly peerId: PeerId }
  /** Once what was sent before is out. */
  | { readonly type: 'disconnect-relay' }
  | { readonly type: 'send'; readonly to: PeerId; readonly message: RoomMessage }
  /** Tells whom we see, under each pair's own MAC, and begins a new room code where that has changed. */
  | {
      readonly type: 'announce-roster';
      /** PM11. */
      readonly seq: number;
      readonly members: readonly RosterMember[];
      readonly to: readonly PeerId[];
      readonly isAsking: boolean;
      /** Somebody has come or gone. */
      readonly isChange: boolean;
    }
  /** What a peer says about keys and codes: for those who hold them. */
  | { readonly type: 'assure'; readonly from: PeerId; readonly message: AssuranceMessage }
  /** It does not answer our handshake: begin another, with what it publishes now. */
  | { readonly type: 'meet-again'; readonly peerId: PeerId }
  /** New keys for our frames, told to everybody who is here. */
  | { readonly type: 'rotate-sender-keys'; readonly epoch: number }
  /** Seal under the new keys, whoever has not answered. */
  | { readonly type: 'switch-sender-keys'; readonly age_ms: number }
  /** Say again what nobody has acknowledged (PM13). */
  | { readonly type: 'repeat-messages' }
  /** Hold what was sealed against what was sent. */
  | { readonly type: 'check-frames' }
  | { readonly type: 'refuse-peer'; readonly peerId: PeerId }
  /** Of all links from now on. */
  | { readonly type: 'hide-addresses'; readonly isOn: boolean }
  /** `isIdle`: it sends nothing until it is used. */
  | ({ readonly type: 'open-link'; readonly isIdle?: true } & OnLink)
  | { readonly type: 'close-link' | 'close-standby'; readonly peerId: PeerId }
  /** What we send goes over this one; `isOnly`: and over no other. */
  | ({ readonly type: 'use-link'; readonly isOnly: boolean } & OnLink)
  /** On a link that is new: with our own places for tracks. */
  | ({ readonly type: 'make-offer'; readonly isRestart: boolean } & OnRound)
  /** The description that was made last, with the candidates found since. */
  | ({ readonly type: 'repeat-offer' | 'repeat-answer' } & OnRound)
  /** Gives up an offer of our own where there is one. */
  | ({ readonly type: 'accept-offer'; readonly sdp: string } & OnRound)
  | ({ readonly type: 'accept-answer'; readonly sdp: string } & OnRound)
  | ({ readonly type: 'add-candidates'; readonly candidates: readonly Candidate[] } & OnLink)
  | { readonly type: 'start-timer'; readonly id: TimerId; readonly delay_ms: number }
  | { readonly type: 'stop-timer'; readonly id: TimerId }
  /** Says at the door who we are. */
  | { readonly type: 'knock'; readonly name: string }
  /** As the host. A kick is told to those as well, sealed. */
  | {
      readonly type: 'act-as-host';
      readonly action: DoorAction | TargetAction;
      readonly target?: PeerId;
      readonly to: readonly PeerId[];
    }
  | { readonly type: 'tell'; readonly moment: Moment }
  /** A message that does not fit the state: counted, otherwise without effect. */
  | { readonly type: 'drop'; readonly reason: DropReason };

export type Step = readonly [RoomState, readonly Effect[]];

export type AssuranceMessage = Extract<
  RoomMessage,
  { type: 'code-commit' | 'code-reveal' | 'e2ee_key_rotation' | 'e2ee_key_revoke' }
>;

/** What was said of a peer's codes. `differ`: compared, and different. `withdrawn`: that they were equal is said no longer. */
export type Comparison = 'match' | 'differ' | 'withdrawn';

/** Why a peer is verified, or is not. `remembered`: its device was verified before; nobody has compared anything now. */
export type Verification = Comparison | 'remembered';

/** What the page is told of. */
export type Moment =
  | { readonly type: 'joined' }
  | { readonly type: 'left'; readonly reason: LeaveReason }
  | { readonly type: 'peer-joined'; readonly peerId: PeerId }
  | { readonly type: 'peer-left'; readonly peerId: PeerId; readonly reason: PeerLeaveReason }
  /** To the host: somebody stands outside, under a name that nobody has checked. */
  | { readonly type: 'knocked'; readonly peerId: PeerId; readonly name: string }
  | {
      readonly type: 'error';
      readonly code: ErrorCode;
      readonly isRecoverable: boolean;
      /** Whom it is about, where it is about one. */
      readonly peerId?: PeerId;
      /** With `wrong-key`: the keys were declared dead by who held them. */
      readonly isRevoked?: true;
    }
  | {
      readonly type: 'verified';
      readonly peerId: PeerId;
      readonly isVerified: boolean;
      readonly comparison: Verification;
    };

export type DropReason =
  | 'unknown-peer'
  | 'refused-peer'
  /** PR9: with it there is no connection any more. */
  | 'exposed-peer'
  /** The relay lists somebody who has said that it leaves. */
  | 'left-peer'
  /** How things were with the peer before it said what we know already: overtaken, or held back. */
  | 'stale-state'
  | 'stale-link'
  /** Not after the last one of its link that we have taken up. */
  | 'stale-offer'
  | 'ignored-offer'
  | 'stale-answer'
  | 'wrong-phase'
  | 'too-many-peers';
