/** Registers every element. Tolerant of a second load: a name that is taken stays as it is. */
import { TaiControls } from './components/tai-controls/tai-controls.ts';
import { TaiInvite } from './components/tai-invite/tai-invite.ts';
import { TaiLobby } from './components/tai-lobby/tai-lobby.ts';
import { TaiParticipant } from './components/tai-participant/tai-participant.ts';
import { TaiPrivacyShield } from './components/tai-privacy-shield/tai-privacy-shield.ts';
import { TaiRoom } from './components/tai-room/tai-room.ts';
import { TaiVerify } from './components/tai-verify/tai-verify.ts';

/** The room comes last: its parts are there when it renders for the first time. */
const ELEMENTS = [
  ['tai-participant', TaiParticipant],
  ['tai-controls', TaiControls],
  ['tai-invite', TaiInvite],
  ['tai-lobby', TaiLobby],
  ['tai-privacy-shield', TaiPrivacyShield],
  ['tai-verify', TaiVerify],
  ['tai-room', TaiRoom],
] as const;

for (const [name, element] of ELEMENTS) {
  if (!customElements.get(name)) customElements.define(name, element);
}
