/** Types of the engine's public face. */
import type { Admission } from './admission.ts';
import type { Door } from './protocol/host.ts';
import type { PeerId, RoomId } from './protocol/ids.ts';
import type { PublicationKind } from './protocol/peer.ts';
import type { IceServer } from './protocol/relay.ts';
import type { WalletChain } from './protocol/wallet.ts';
import type { Comparison, Moment, Verification } from './room/events.ts';
import type { Device, LeaveReason, LinkTransport, Phase, Privacy, Standing } from './room/state.ts';
import type { RoomAddress, RoomKind } from './room-address.ts';

export type SessionOptions = {
  /** `wss:`/`https:` address of the relay (`ws:`/`http:` for loopback only); the path is ignored. */
  readonly relay: string;
  /** Which room, with its secret: from `resolveRoom` or `createPrivateRoom`. */
  readonly room: RoomAddress;
  /** A name to show to others: a claim, never an identity. At most 64 characters. */
  readonly displayName?: string;
  /** `guest` (default): keys for this page only. `device`: keys that this browser keeps, so that others know it again. */
  readonly identity?: 'guest' | 'device';
  /**
   * Where the relay's operator wants a JWT of its own login service: gives one, anew at every attempt to connect. Whoever
   * can read it can come in with it until it ends; it travels to the relay alone, and never in an address.
   */
  readonly admission?: Admission;
  /** Used in place of the relay's answer where given. */
  readonly iceServers?: readonly IceServer[];
  /** For relays that issue TURN credentials only to who has a wallet sign for them. Never asked by others, and never about a room. */
  readonly turnWallet?: TurnWallet;
  /**
   * From the start no participant learns our IP addresses: everything between us and them goes through a TURN host, or is not sent
   * (PROTOCOL.md PR). Whoever runs that host, or the relay, learns them still.
   */
  readonly private?: boolean;
  /** Frames are sealed, or not sent, with it and without it; with any other value no session is made. */
  readonly e2ee?: 'required';
  /** Address of the clock worker, for pages whose CSP allows no `blob:` worker. */
  readonly workerUrl?: string;
  /**
   * The user agrees that the relay's operator is told once, and by chance wrongly two times in five, whether the first connection
   * went straight, through a TURN host, or failed (PROTOCOL.md OP4). Never without it.
   */
  readonly sharePath?: boolean | undefined;
};

/** A wallet of the page's. Which room this is for, it does not learn, and who it is, nobody in the room. */
export type TurnWallet = {
  readonly chain: WalletChain;
  /** `0x` and 64 lower-case hexadecimal digits (Sui), or 40 (Ethereum). */
  readonly address: string;
  /**
   * Signs the text as it is: Ethereum's `personal_sign` (`0x…`), Sui's `signPersonalMessage` (base64). Asked once a join, and again
   * before the credentials are over. May show it to somebody first; rejects where they say no.
   */
  sign(message: string): Promise<string>;
};

/** What a page asks for. The state tells what became of it; nothing is optimistic. */
export type Command =
  | { readonly type: 'open-lobby'; readonly microphone: boolean; readonly camera: boolean }
  | { readonly type: 'join' }
  | { readonly type: 'leave' }
  | { readonly type: 'set-name'; readonly name: string }
  /** Microphone: mutes or unmutes, and opens the device if it is off. */
  | { readonly type: 'set-microphone'; readonly isOn: boolean }
  /** Camera: closes the device (its light goes out) or opens it. */
  | { readonly type: 'set-camera'; readonly isOn: boolean }
  | { readonly type: 'set-device'; readonly kind: PublicationKind; readonly deviceId: string }
  /**
   * Hides our IP addresses from the other participants (`SessionOptions.private`). On in a call, it makes every connection anew, and
   * those who are there may have seen them before. Off in a call throws `TaiError('usage')`.
   */
  | { readonly type: 'set-private'; readonly isOn: boolean }
  /** Two people have compared codes and found them equal, or take that back. */
  | { readonly type: 'set-verified'; readonly peerId: PeerId; readonly isVerified: boolean }
  /**
   * Two people have compared codes, and they are different: nobody of these is verified any more, and all carry a warning
   * until codes are compared again and found equal. Of who is not here, both commands mean nothing.
   */
  | { readonly type: 'report-difference'; readonly peerIds: readonly PeerId[] }
  /**
   * The host's: nobody new comes in while it is on. Who is in may lose the connection and come back. Throws
   * `TaiError('usage')` without the host's link, as the next ones do.
   */
  | { readonly type: 'lock'; readonly isOn: boolean }
  /** Of who knocks. */
  | { readonly type: 'admit' | 'decline'; readonly peerId: PeerId }
  /** Who is put out has the link still, and can come back as another peer unless the room is locked, or knocked at. */
  | { readonly type: 'kick'; readonly peerId: PeerId }
  /** Whether newcomers have to knock. Waits for the host's presence, and does nothing with a guest's link. */
  | { readonly type: 'set-knock'; readonly isOn: boolean };

export type { Admission, Door };

/** Somebody outside. The name is a claim that nobody has checked, and may be empty. */
export type KnockView = { readonly peerId: PeerId; readonly name: string };

/**
 * - `waiting-key`: keys are not confirmed by both sides yet; what we say is sealed for this device alone.
 * - `encrypted`: keys agreed and confirmed both ways, the connection is bound to the peer's certificate.
 * - `verified`: and somebody has compared codes with this device.
 * - `codes-differ`: somebody here has compared codes with this device, and they were different: somebody may sit between.
 * - `wrong-key`: refused: its keys are not those they have to be, or were declared dead (`identity.standing` is `revoked`); or its
 *   frames come and do not open.
 * - `unsupported`: this browser or that one cannot do it.
 */
export type PeerEncryption = 'waiting-key' | 'encrypted' | 'verified' | 'codes-differ' | 'wrong-key' | 'unsupported';

/** The device behind a peer, as its certificate says. */
export type PeerIdentity = {
  /** A guest's keys live as long as its page; a device's come back. */
  readonly kind: 'guest' | 'device';
  /** SHA-256 of the device's signing key, 64 hexadecimal digits. */
  readonly deviceId: string;
  /**
   * `changed`: somebody of this name was here before, with another device's keys. `differs`: codes were compared, and are
   * different. `revoked`: who held these keys has declared them dead.
   */
  readonly standing: Standing;
};

/** `isOpened`: frames of it have come and open; until then nothing of it is to be heard or seen. */
export type PublicationView = { readonly isMuted: boolean; readonly isOpened: boolean };

export type ParticipantView = {
  readonly encryption: PeerEncryption;
  /** `undefined` until the peer's keys are agreed. */
  readonly identity: PeerIdentity | undefined;
  readonly peerId: PeerId;
  readonly name: string;
  readonly link: LinkTransport;
  /** It says that it hides its own addresses from the others. Ours reach its TURN host all the same. */
  readonly isAddressHidden: boolean;
  /** `undefined` = not published, or not told yet. */
  readonly microphone: PublicationView | undefined;
  readonly camera: PublicationView | undefined;
  /** The live tracks, to be put into a `MediaStream` of your own; `undefined` until they arrive. */
  readonly audioTrack: MediaStreamTrack | undefined;
  readonly videoTrack: MediaStreamTrack | undefined;
};

/** What is true about encryption so far, no more: what `<tai-privacy-shield>` shows. */
export type EncryptionView = {
  /** Offers, answers, addresses and names are sealed under keys from the room's secret. */
  readonly isSignallingSealed: boolean;
  /** Who can derive these keys: holders of the link, or anyone who sees the page. */
  readonly roomKind: RoomKind;
  /** Media runs browser to browser under DTLS-SRTP; the certificates' fingerprints travelled sealed. */
  readonly isMediaDtls: boolean;
  /** Keys are agreed device to device, by X25519 and ML-KEM-768 together: the link alone opens nothing. */
  readonly isKeyAgreed: boolean;
  /** The same on all screens, if nobody sits between; `undefined` until all have revealed their part, and alone. */
  readonly roomCode: RoomCode | undefined;
  /** Whether everybody sees the same people: `settling` until all have said so after a change, and while there is nobody to. */
  readonly roster: 'settling' | 'consistent' | 'mismatch';
  /** With `mismatch`: whom `by` does not see, or sees and we do not. */
  readonly mismatches: readonly RosterMismatch[];
  /** Every frame that leaves has a seal of its own, under keys that no TURN or SFU host has. `false`: one would not have had, and sending to that peer was stopped. */
  readonly isFrameSealed: boolean;
  /** Somebody compared safety codes. */
  readonly isVerified: boolean;
  /**
   * STUN and TURN servers of this room, which learn IP addresses and times; 0 = none. The page's own are counted from the
   * start, the operator's from the relay's welcome.
   */
  readonly iceHosts: number;
  /** Their names or addresses, each once. */
  readonly iceHostNames: readonly string[];
  /** Our IP addresses are hidden from the other participants. `false` too where that has failed. */
  readonly isAddressHidden: boolean;
};

/** Six emoji with their names in English, and 30 digits: two forms of one value, for people to compare. */
export type RoomCode = {
  readonly emoji: readonly { readonly symbol: string; readonly name: string }[];
  readonly digits: string;
};

export type RosterMismatch = { readonly by: PeerId; readonly peerId: PeerId };

/** The same on both sides of a pair of devices: 60 digits to read out, and a text for a QR code. */
export type SafetyNumber = { readonly digits: string; readonly qr: string };

/** What a scanned QR code says of a peer. */
export type ScanResult = 'match' | 'mismatch' | 'unreadable';

export type SessionView = {
  readonly phase: Phase;
  /** Set in the phase `left`. */
  readonly leaveReason: LeaveReason | undefined;
  readonly roomId: RoomId | undefined;
  readonly selfId: PeerId | undefined;
  readonly name: string;
  readonly privacy: Privacy;
  readonly microphone: Device;
  readonly camera: Device;
  /** Our own live tracks, for the preview. */
  readonly microphoneTrack: MediaStreamTrack | undefined;
  readonly cameraTrack: MediaStreamTrack | undefined;
  /** In the order in which they joined. */
  readonly participants: readonly ParticipantView[];
  readonly encryption: EncryptionView;
  /** Ours is the host's link. */
  readonly isHost: boolean;
  /** What the relay says of the room's door. */
  readonly door: Door;
  /** While `joining`: we stand outside, and the host has to let us in. */
  readonly isKnocking: boolean;
  /** To the host: who stands outside. */
  readonly knocks: readonly KnockView[];
};

export type { Comparison, Verification };

/** Moments, where `SessionView` is the state. */
export type SessionEvent = Moment | { readonly type: 'devices-changed' };

export type MediaDevice = {
  readonly deviceId: string;
  readonly kind: PublicationKind;
  /** Empty until the user has granted access. */
  readonly label: string;
};

export type PeerStats = {
  /** `relay` = through a TURN host, ours or the peer's. */
  readonly link: 'direct' | 'relay' | 'none';
  /** Of our own end: `relay` at a TURN host of ours. */
  readonly candidateType: string;
  /** How we reach our own TURN host, where we use it: `udp`, `tcp`, `tls`; else empty. */
  readonly relayProtocol: string;
  /** Milliseconds; `undefined` until measured. */
  readonly rtt_ms: number | undefined;
  /** Frames that left sealed, and frames that opened: sound and pictures together, counted by the worker. */
  readonly framesSealed: number;
  readonly framesOpened: number;
  /** Frames that were neither sent nor shown, by reason. */
  readonly framesDropped: { readonly [reason: string]: number };
  /** Frames of pictures that the browser says it has sent. */
  readonly framesSentByStats: number;
  readonly framesDecoded: number;
  /** Grows while sound arrives (`totalAudioEnergy` of the received tracks, W3C WebRTC Statistics); silence adds nothing. */
  readonly audioEnergy: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Codec names in use, as `video/VP8`. */
  readonly codec: readonly string[];
};

export type SessionStats = {
  readonly peers: { readonly [peerId: string]: PeerStats };
  readonly totals: {
    readonly bytesSent: number;
    readonly bytesReceived: number;
    readonly framesSealed: number;
    readonly framesOpened: number;
  };
  /** Bad input from outside, counted by reason and dropped. */
  readonly dropped: { readonly [reason: string]: number };
};

export type Session = {
  readonly view: SessionView;
  /** Called after each change, with the new view; not called at once. Returns the way to stop. */
  subscribe(listener: (view: SessionView) => void): () => void;
  on(listener: (event: SessionEvent) => void): () => void;
  /** Starts effects in the same task, so that a click's activation still counts. Throws `TaiError('usage')` after `close`. */
  dispatch(command: Command): void;
  /** Lists microphones and cameras. Never asks for permission. */
  devices(): Promise<readonly MediaDevice[]>;
  getStats(): Promise<SessionStats>;
  /** `undefined` while there are no keys of this peer, and of who is not here. */
  safetyNumber(peerId: PeerId): Promise<SafetyNumber | undefined>;
  /** Compares a scanned text with what this peer's has to be. Marks nothing: that is `set-verified`. */
  checkScan(peerId: PeerId, text: string): ScanResult;
  /** The local, hash-chained record of what happened to keys, as JSON lines: no names, addresses or keys in it. */
  exportAuditLog(): string;
  /** New keys for this device, signed by the old ones, used from the next join on; the present calls' ratchets step. */
  rotateKey(): Promise<void>;
  /** Declares this device's keys dead to everybody here, then leaves. They refuse it from then on. The next join has new ones. */
  revokeKey(): Promise<void>;
  /** Leaves, ends every track, connection, socket, worker and listener. The session is then of no use. */
  close(): void;
};
