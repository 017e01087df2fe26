/** Every text of the elements, by key. A page overrides any of them by the `strings` property of `<tai-room>`. */
import type { ErrorCode } from '../../engine/index.ts';

/** `{name}` and the like are filled in by `fill`. */
export const ENGLISH = {
  room: 'Video room',
  guest: 'Guest',
  you: 'You',
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

  shield: 'Privacy',
  'shield-private': 'Private room',
  'shield-open': 'Open room',
  'shield-title': 'What is private here',
  'shield-signalling': 'Signalling is sealed',
  'shield-signalling-hint':
    'Names, offers and addresses are sealed in this page. The relay passes on what it cannot read.',
  'shield-link': 'Only the link lets people in',
  'shield-link-hint': 'Whoever has it can join: send it to the right people.',
  'shield-open-room': 'Anyone who sees this page can join',
  'shield-open-room-hint': 'They can also derive the keys of this room. For a private talk, use a private room.',
  'shield-media': 'Sound and picture are encrypted',
  'shield-media-hint': 'They travel from browser to browser (DTLS-SRTP), not through the relay.',
  'shield-media-helped-hint':
    'They are encrypted from browser to browser (DTLS-SRTP), also when a helper passes them on. The relay never does.',
  'shield-media-waiting': 'Nobody is connected yet',
  'shield-media-waiting-hint': 'Sound and picture will be encrypted from browser to browser (DTLS-SRTP).',
  'shield-frames': 'Every frame has a second seal',
  'shield-frames-hint': 'No host on the way holds its keys.',
  'shield-no-frames': 'No second seal on frames yet',
  'shield-no-frames-hint': 'This version relies on the encryption of the browsers alone.',
  'shield-verified': 'Safety codes compared',
  'shield-verified-hint': 'Somebody checked that the people are who they say.',
  'shield-unverified': 'Nobody has been verified',
  'shield-unverified-hint': 'Names are only claims. You trust the link and this page.',
  'shield-hidden': 'Your IP address is hidden from others',
  'shield-hidden-hint': 'Calls go through a TURN host.',
  'shield-visible': 'Other participants can see your IP address',
  'shield-visible-hint': 'It is how browsers reach each other directly.',
  'shield-helpers': 'Connection helpers (STUN/TURN) learn IP addresses and times',
  'shield-helpers-hint': 'TURN also learns how much sound and picture it passes on, and when.',
  'shield-relay': 'What the relay learns',
  'shield-relay-hint': 'IP addresses, times, message sizes, and who talks to whom. Never what is said or shown.',

  error: 'Something went wrong.',
  'error-usage': 'This page asks for something that this version cannot do.',
  'error-no-relay':
    'This room has no relay, so it does not connect. Set the relay attribute to the address of one: relay="wss://…".',
  'error-private':
    'This room is asked to hide IP addresses (“private”). This version cannot do that yet, so it does not connect.',
  'error-e2ee':
    'This room asks for its own choice of frame encryption (“e2ee”). This version has none yet, so it does not connect.',
  'error-unsupported-browser': 'This browser cannot make video calls. A current Firefox, Chrome, Edge or Safari can.',
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
  'error-wrong-key': 'Somebody here has another key: their messages cannot be opened.',
  'error-peer-unreachable': 'A participant cannot be reached from this network.',
  'error-turn-unavailable': 'No TURN host is available.',
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
