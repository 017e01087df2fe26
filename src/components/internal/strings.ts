/** Every text of the elements, by key. A page overrides any of them by the `strings` property of `<tai-room>`. */
import type { ErrorCode } from '../../engine/index.ts';

/** `{name}` and the like are filled in by `fill`. */
export const ENGLISH = {
  room: 'Video room',
  guest: 'Guest',
  somebody: 'somebody',
  you: 'You',
  yourself: 'you',
  'you-named': '{name} (you)',

  'lobby-new': 'A private room, ready when you are',
  'lobby-new-hint': 'The room gets its own link. Whoever has the link can come in, nobody else.',
  'lobby-private': 'Come in, you have the link',
  'lobby-private-hint': 'This room is private: only who has the link can enter. Say who you are.',
  'lobby-open': 'Join the open room',
  'lobby-open-hint': 'Anyone who sees this page can join this room.',
  'join-new': 'Create a private room',
  join: 'Join the room',
  joining: 'Joining…',
  'join-without-camera': 'Join without camera',
  'join-without-microphone': 'Join without microphone',
  'join-without-devices': 'Join without camera and microphone',
  name: 'Your name',
  'name-placeholder': 'How others see you',
  preview: 'Preview',
  'preview-start': 'Try camera and microphone',
  'preview-off': 'Nothing is switched on yet. It will be when you join.',
  'preview-camera-off': 'Your camera stays off',
  'preview-starting': 'Waiting for the camera…',
  'listen-only': 'You join to watch and listen.',
  'level-quiet': 'Say something to test the microphone',
  'level-heard': 'Your microphone works',

  microphone: 'Microphone',
  camera: 'Camera',
  'the-microphone': 'microphone',
  'the-camera': 'camera',
  'the-device': 'device',
  'device-default': '{device} {number}',
  'microphone-on': 'Microphone on',
  'microphone-off': 'Microphone off',
  'camera-on': 'Camera on',
  'camera-off': 'Camera off',
  'try-again': 'Try again',
  controls: 'Call controls',
  stage: 'People in the room',
  leave: 'Leave',
  'copy-link': 'Copy link',
  'link-copied': 'Link copied',
  'copy-by-hand': 'Select the link and copy it',
  share: 'Share…',
  'invite-link': 'Link to this room',

  'link-connecting': 'Connecting…',
  'link-lost': 'Connection lost…',
  muted: 'Microphone off',
  'alone-title': 'You are alone here',
  'alone-hint': 'Send the link to whoever should come.',
  'peer-joined': '{name} joined',
  'peer-left': '{name} left',
  'peer-refused': '{name} was refused',
  'peer-verified': '{name} is verified',
  'peer-unverified': '{name} is no longer verified',
  'peer-differs': 'Your codes and those of {name} are different',
  'people-one': '1 person',
  people: '{count} people',
  reconnecting: 'Reconnecting to the relay… your call goes on.',
  hear: 'Click to hear the others',
  dismiss: 'Dismiss',

  'left-left': 'You left the room',
  'left-refused': 'The room could not be joined',
  'left-room-full': 'The room is full',
  rejoin: 'Join again',
  'new-room': 'Create a new private room',

  'shield-private': 'Private room',
  'shield-open': 'Open room',
  'shield-all-verified': 'Private, verified',
  'shield-alarm': 'Warning',
  'shield-title': 'What is private here',
  'shield-people': 'Who is here',
  'shield-codes-differ': 'Your codes and those of {name} are different',
  'shield-codes-differ-hint':
    'Somebody may sit between and read along. Say nothing private here. Was it a slip of the tongue? Compare again.',
  'shield-revoked': 'The keys of {name} were revoked',
  'shield-revoked-hint':
    'Whoever held them has declared them dead, as one does when a device is lost. This device was refused. When {name} comes back, compare codes anew.',
  'shield-wrong-key': 'The keys of {name} are wrong',
  'shield-wrong-key-hint':
    'What comes under them is neither shown nor heard. Say nothing private until this warning is gone.',
  'shield-changed': '{name} has another device than before',
  'shield-changed-hint': 'A new phone, or somebody else of that name. Compare codes before you say anything private.',
  'shield-mismatch': 'You do not all see the same people',
  'shield-mismatch-hidden': '{by} does not see {name}. Somebody may be keeping you apart: ask by another way.',
  'shield-mismatch-unknown': '{by} sees somebody whom you do not see. Ask who else is there before you go on.',
  'shield-signalling': 'Signalling is sealed',
  'shield-signalling-hint':
    'Names, offers and addresses are sealed in this page. The relay passes on what it cannot read.',
  'shield-keys': 'Keys are agreed from device to device',
  'shield-keys-hint':
    'Fresh for this call, by X25519 and post-quantum ML-KEM-768 together. They seal what the browsers tell each other (names, addresses, who is muted), also against later quantum computers. The link alone opens none of it.',
  'shield-no-keys': 'Keys are being agreed',
  'shield-no-keys-hint':
    'Your name and network address may already have been sent, sealed for that device. Once it is connected, sound and picture too, encrypted.',
  'shield-roster': 'You all see the same people',
  'shield-roster-hint': 'Each browser has told the others whom it sees.',
  'shield-no-roster': 'Not everybody here has shown their keys',
  'shield-no-roster-hint': 'Only those who have are known to see the same people as you.',
  'shield-link': 'Only the link lets people in',
  'shield-link-hint': 'Whoever has it can join: send it to the right people.',
  'shield-open-room': 'Anyone who sees this page can join',
  'shield-open-room-hint': 'Compare codes with whom you talk to. For a private talk, use a private room.',
  'shield-media': 'Sound and picture are encrypted',
  'shield-media-hint': 'They travel from browser to browser (DTLS-SRTP), not through the relay.',
  'shield-media-helped-hint':
    'They are encrypted from browser to browser (DTLS-SRTP), also when a helper passes them on. The relay never does.',
  'shield-media-waiting': 'Nobody is connected yet',
  'shield-media-waiting-hint': 'Sound and picture will be encrypted from browser to browser (DTLS-SRTP).',
  'shield-frames': 'Every frame is sealed for its receiver',
  'shield-frames-hint':
    'Before it leaves, under keys that only your two devices have and that were agreed post-quantum: no host on the way can open it, nor a later quantum computer that has a recording.',
  'shield-unsealed': 'Sending was stopped',
  'shield-unsealed-hint':
    'This browser was about to send sound or picture without our seal. Nothing more goes out on that connection. Leave, and use another browser.',
  'shield-verified': 'Codes compared with everybody here',
  'shield-verified-hint': 'Nobody sits between your devices.',
  'shield-some-verified': 'Codes compared with {count} of {total}',
  'shield-unverified': 'Nobody has been verified',
  'shield-unverified-hint': 'Names are only claims. You trust the link and this page.',
  'shield-hidden': 'Your IP address is hidden from others',
  'shield-hidden-hint': 'Calls go through a TURN host.',
  'shield-visible': 'Other participants can see your IP address',
  'shield-visible-hint': 'It is how browsers reach each other directly.',
  'shield-helpers': 'Connection helpers (STUN/TURN) learn IP addresses and times',
  'shield-helpers-hint': 'Here: {hosts}. TURN also learns how much sound and picture it passes on, and when.',
  'shield-relay': 'What the relay learns',
  'shield-relay-hint': 'IP addresses, times, message sizes, and who talks to whom. Never what is said or shown.',

  'mark-waiting-key': 'Agreeing on keys',
  'mark-encrypted': 'Encrypted',
  'mark-verified': 'Verified',
  'mark-changed': 'New device',
  'mark-codes-differ': 'Codes differ',
  'mark-wrong-key': 'Wrong keys',
  'mark-revoked': 'Keys revoked',
  'mark-unsupported': 'Cannot encrypt',
  'tile-wrong-key': 'Wrong keys: not shown',
  'tile-revoked': 'Keys revoked: connection closed',

  verify: 'Verify',
  'verify-name': 'Verify {name}',
  'verify-once-more': 'Compare again',
  'verify-once-more-name': 'Compare again with {name}',
  'verify-room': 'Compare the room code',
  'verify-failed': 'This could not be loaded. Is the network there? Try again.',
  'verify-close': 'Close',
  'verify-room-how': 'Read these six pictures out loud to each other.',
  'verify-room-why':
    'If everybody sees the same, nobody sits between you. If one differs, somebody may be listening in.',
  'verify-room-alone': 'The code is there as soon as somebody else is.',
  'verify-room-wait': 'The code is being made. It takes a moment after somebody comes or goes.',
  'verify-code-changed': 'The code is another one now. Read it out from the start.',
  'verify-code-changing': 'The code is being made anew.',
  'verify-code-read': 'Go on with the new code',
  'verify-room-done': 'Verified: your codes are the same.',
  'verify-single': 'Or one by one',
  'verify-emoji': 'Room code in pictures',
  'verify-digits': 'The same code in digits',
  'verify-peer-how': 'Compare these numbers with those that {name} sees, by voice or side by side.',
  'verify-peer-why':
    'If all are the same, nobody sits between you and {name}. If one differs, somebody may be listening in.',
  'verify-peer-wait': 'No keys are agreed with {name}: there is nothing to compare yet.',
  'verify-peer-loading': 'The safety number is being worked out…',
  'verify-peer-gone': 'This person has left.',
  'verify-peer-done': 'Verified: these are the keys of {name}.',
  'verify-number': 'Safety number',
  'verify-match': 'They match',
  'verify-differ': 'They do not match',
  'verify-undo': 'No longer trust this',
  'verify-near': 'Side by side?',
  'verify-near-hint': 'Let {name} scan this code, or scan theirs.',
  'verify-qr': 'Your code, for {name} to scan',
  'verify-scan': 'Scan their code',
  'verify-scan-hint': 'Hold the code of {name} in front of your camera.',
  'verify-scan-stop': 'Stop the camera',
  'verify-scan-other': 'This is not a safety code. Look for the square under “Verify” on the other screen.',
  'verify-alarm': 'Stop: your codes are different',
  'verify-alarm-hint':
    'Somebody may sit between you and read along. Say nothing private here. Leave, and agree on a new link by another way: in person, or by phone.',
  'verify-alarm-tell':
    'Only you see this warning so far. Tell the others, but not in this room: call them, or go to them.',
  'verify-alarm-slip': 'A slip of the tongue? Compare once more.',
  'verify-again': 'Compare again',

  error: 'Something went wrong.',
  'error-usage': 'This page asks for something that this version cannot do.',
  'error-no-relay':
    'This room has no relay, so it does not connect. Set the relay attribute to the address of one: relay="wss://…".',
  'error-private':
    'This room is asked to hide IP addresses (“private”). This version cannot do that yet, so it does not connect.',
  'error-e2ee':
    'This room asks for another choice of frame encryption (“e2ee”) than “required”. There is none: it does not connect.',
  'error-unsupported-browser':
    'This browser cannot make calls whose frames are sealed, so nothing is sent. A current Firefox, Chrome, Edge or Safari can.',
  'error-worker-blocked':
    'This page does not let the room start its worker, and without it nothing can be sealed. Site owner: allow “worker-src blob:”, or set worker-url.',
  'error-insecure-context': 'Camera and microphone need a secure page: open it by https.',
  'error-permissions-policy':
    'This page may not use the {device}. Its owner has to send the header “Permissions-Policy: camera=(self), microphone=(self)”.',
  'error-permission-denied': 'The browser blocks the {device}. Allow it beside the address bar, then try again.',
  'error-device-in-use': 'Another program uses the {device}. Close it there, then try again.',
  'error-device-not-found': 'No {device} was found. Plug one in, then try again.',
  'error-device-constraints': 'The chosen {device} cannot be used. Choose another one.',
  'error-relay-unreachable': 'The relay cannot be reached. Is the network there? We keep trying.',
  'error-relay-refused': 'The relay refused this room.',
  'error-room-full': 'The room is full.',
  'error-room-locked': 'The room is locked.',
  'error-link-invalid': 'This link is damaged or incomplete. Ask for it again, and copy all of it.',
  'error-identity':
    'This room asks for a kind of identity (“identity”) that this version does not know, so it does not connect.',
  'error-wrong-key':
    'What comes in the name of {name} is under wrong keys, and is not shown. Say nothing private before you have compared codes.',
  'error-revoked':
    '{name} was refused: the keys of this device were revoked. Compare codes anew when {name} comes back.',
  'error-frames-unsealed':
    'Sending to {name} was stopped: this browser sent frames past our seal. Leave, and use another browser.',
  'error-identity-changed':
    '{name} is here with another device than before. Compare codes before you say anything private.',
  'error-roster-mismatch': 'You do not all see the same people. The shield says who is missing.',
  'error-peer-unreachable': 'A participant cannot be reached from this network.',
  'error-peer-unreachable-name': '{name} cannot be reached from this network. We keep trying.',
  'error-turn-unavailable': 'No TURN host is available that could help to reach them.',
  'error-rate-limited': 'Too much at once. Wait a moment.',
  'error-too-large': 'That was too large to send.',
} as const satisfies { readonly [key: string]: string };

export type StringKey = keyof typeof ENGLISH;
export type Strings = { readonly [Key in StringKey]: string };

/** Puts values in the place of `{key}`. */
export function fill(text: string, values: { readonly [key: string]: string | number } = {}): string {
  return text.replace(/\{(\w+)\}/g, (hole, key: string) => String(values[key] ?? hole));
}

/** The sentence of an error; a general one where this version has none for the code. */
export function errorKey(code: ErrorCode): StringKey {
  const key = `error-${code}`;
  return key in ENGLISH ? (key as StringKey) : 'error';
}
