/** What is true about a room's privacy, as a list to show. Says nothing that the engine does not know. */
import type { PeerId, RosterMismatch, SessionView } from '../../engine/index.ts';
import { isAlarming, isEncrypted, markOf } from '../internal/encryption.ts';
import type { StringKey, Strings } from '../internal/strings.ts';

/** `alarm`: somebody has to do something. `kept`: protected. `known`: somebody learns it, or it is not protected yet. */
export type PrivacyFact = {
  readonly id: string;
  readonly kind: 'alarm' | 'kept' | 'known';
  readonly title: StringKey;
  readonly hint: StringKey;
  /** To fill in. */
  readonly values: { readonly [key: string]: string | number };
};

/** More would only push what else is true off the screen. */
const MISMATCHES_SHOWN = 3;

type Add = (
  id: string,
  kind: PrivacyFact['kind'] | boolean,
  title: StringKey,
  hint: StringKey,
  values?: PrivacyFact['values'],
) => void;

/** Alarms first. */
export function privacyFacts(view: SessionView, strings: Strings): readonly PrivacyFact[] {
  const facts: PrivacyFact[] = [];
  const add: Add = (id, kind, title, hint, values = {}) => {
    const isKept = typeof kind === 'boolean';
    facts.push({ id, kind: isKept ? (kind ? 'kept' : 'known') : kind, title, hint, values });
  };
  addAlarms(view, strings, add);
  addKeys(view, add);
  addMedia(view, add);
  const { encryption } = view;
  addAddress(view, strings, add);
  const hosts = encryption.iceHostNames.join(', ');
  if (encryption.iceHosts > 0) add('helpers', false, 'shield-helpers', 'shield-helpers-hint', { hosts });
  add('relay', false, 'shield-relay', 'shield-relay-hint');
  return facts;
}

function addAlarms(view: SessionView, strings: Strings, add: Add): void {
  for (const peer of view.participants) {
    const mark = markOf(peer);
    const values = { name: peer.name || strings.guest };
    if (isAlarming(mark)) {
      add(mark, 'alarm', `shield-${mark}`, `shield-${mark}-hint`, values);
    }
  }
  if (view.encryption.roster !== 'mismatch') return;
  for (const mismatch of view.encryption.mismatches.slice(0, MISMATCHES_SHOWN)) {
    const values = { by: nameOf(view, mismatch.by, strings), name: nameOf(view, mismatch.peerId, strings) };
    const hint = isSeen(view, mismatch) ? 'shield-mismatch-hidden' : 'shield-mismatch-unknown';
    add('mismatch', 'alarm', 'shield-mismatch', hint, values);
  }
}

function addKeys({ encryption, participants }: SessionView, add: Add): void {
  const { isKeyAgreed, isSignallingSealed, roomKind, roster } = encryption;
  const total = participants.length;
  const count = participants.filter((peer) => peer.encryption === 'verified').length;
  const isAgreed = isKeyAgreed && participants.every((peer) => isEncrypted(peer.encryption));
  const isWaiting = participants.some((peer) => peer.encryption === 'waiting-key');
  if (isAgreed && total > 0) add('keys', true, 'shield-keys', 'shield-keys-hint');
  // with one who was refused nothing is being agreed: the alarm says so
  else if (isWaiting) add('keys', false, 'shield-no-keys', 'shield-no-keys-hint');
  if (isSignallingSealed) add('signalling', true, 'shield-signalling', 'shield-signalling-hint');
  if (roomKind === 'private') add('link', true, 'shield-link', 'shield-link-hint');
  else add('link', false, 'shield-open-room', 'shield-open-room-hint');
  if (count === 0) add('verified', false, 'shield-unverified', 'shield-unverified-hint');
  else if (count < total) add('verified', false, 'shield-some-verified', 'shield-unverified-hint', { count, total });
  else add('verified', true, 'shield-verified', 'shield-verified-hint');
  if (roster !== 'consistent' || total === 0) return;
  // rosters speak of those only whose keys are agreed, and more are on the screen
  if (isAgreed) add('roster', true, 'shield-roster', 'shield-roster-hint');
  else if (isWaiting) add('roster', false, 'shield-no-roster', 'shield-no-roster-hint');
}

function addAddress({ privacy, encryption, participants }: SessionView, strings: Strings, add: Add): void {
  if (privacy === 'failed') add('exposed', 'alarm', 'shield-exposed', 'shield-exposed-hint');
  else if (privacy === 'turn-unavailable') add('address', false, 'shield-hidden-turn', 'shield-hidden-turn-hint');
  else if (encryption.isAddressHidden) add('address', true, 'shield-hidden', 'shield-hidden-hint');
  else add('address', false, 'shield-visible', 'shield-visible-hint');
  const hiding = participants.filter(({ isAddressHidden }) => isAddressHidden);
  // of who hides as well, their TURN host sees the other TURN host
  if (hiding.length === 0 || encryption.isAddressHidden) return;
  const names = hiding.map(({ name }) => name || strings.guest).join(', ');
  add('hiding', false, 'shield-hiding', 'shield-hiding-hint', { names });
}

function addMedia({ encryption, participants }: SessionView, add: Add): void {
  const isConnected = participants.some(({ link }) => link === 'connected');
  const mediaHint = encryption.iceHosts > 0 ? 'shield-media-helped-hint' : 'shield-media-hint';
  if (isConnected && encryption.isMediaDtls) add('media', true, 'shield-media', mediaHint);
  else if (!isConnected) add('media', true, 'shield-media-waiting', 'shield-media-waiting-hint');
  if (encryption.isFrameSealed) add('frames', true, 'shield-frames', 'shield-frames-hint');
  else add('frames', 'alarm', 'shield-unsealed', 'shield-unsealed-hint');
}

function isSeen({ selfId, participants }: SessionView, { peerId }: RosterMismatch): boolean {
  return peerId === selfId || participants.some((peer) => peer.peerId === peerId);
}

function nameOf({ selfId, participants }: SessionView, peerId: PeerId, strings: Strings): string {
  if (peerId === selfId) return strings.yourself;
  return participants.find((peer) => peer.peerId === peerId)?.name || strings.guest;
}
