/** The properties of `<tai-room>` as Lit reads them, and which of them mean another session. */
import type { PropertyDeclarations } from 'lit';

export const ROOM_PROPERTIES = {
  relay: {},
  room: {},
  displayName: { attribute: 'display-name' },
  media: {},
  autoJoin: { type: Boolean, attribute: 'auto-join' },
  noLobby: { type: Boolean, attribute: 'no-lobby' },
  noInvite: { type: Boolean, attribute: 'no-invite' },
  layout: {},
  workerUrl: { attribute: 'worker-url' },
  private: { type: Boolean },
  e2ee: {},
  identity: {},
  hosted: { type: Boolean },
  knock: { type: Boolean },
  admission: { attribute: false },
  roomSecret: { attribute: false },
  iceServers: { attribute: false },
  strings: { attribute: false },
} as const satisfies PropertyDeclarations;

/** A change of any of these means another session. */
export const ADDRESS_PROPERTIES = [
  ...(['relay', 'room', 'roomSecret', 'iceServers', 'workerUrl', 'admission'] as const),
  ...(['media', 'noLobby', 'private', 'e2ee', 'identity'] as const),
];
