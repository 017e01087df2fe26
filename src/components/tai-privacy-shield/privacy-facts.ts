/** What is true about a room's privacy, as a list to show. Says nothing that the engine does not know. */
import type { SessionView } from '../../engine/index.ts';
import type { StringKey } from '../internal/strings.ts';

/** `kept`: protected. `known`: somebody learns it, or it is not protected yet. */
export type PrivacyFact = {
  readonly id: string;
  readonly kind: 'kept' | 'known';
  readonly title: StringKey;
  readonly hint: StringKey;
};

export function privacyFacts(view: SessionView): readonly PrivacyFact[] {
  const { encryption } = view;
  const facts: PrivacyFact[] = [];
  const add = (id: string, isKept: boolean, title: StringKey, hint: StringKey): void => {
    facts.push({ id, kind: isKept ? 'kept' : 'known', title, hint });
  };
  if (encryption.isSignallingSealed) add('signalling', true, 'shield-signalling', 'shield-signalling-hint');
  if (encryption.roomKind === 'private') add('link', true, 'shield-link', 'shield-link-hint');
  else add('link', false, 'shield-open-room', 'shield-open-room-hint');
  const isConnected = view.participants.some(({ link }) => link === 'connected');
  const hasHelpers = encryption.iceHosts > 0;
  const mediaHint = hasHelpers ? 'shield-media-helped-hint' : 'shield-media-hint';
  if (isConnected && encryption.isMediaDtls) add('media', true, 'shield-media', mediaHint);
  else if (!isConnected) add('media', true, 'shield-media-waiting', 'shield-media-waiting-hint');
  if (encryption.isFrameSealed) add('frames', true, 'shield-frames', 'shield-frames-hint');
  else add('frames', false, 'shield-no-frames', 'shield-no-frames-hint');
  if (encryption.isVerified) add('verified', true, 'shield-verified', 'shield-verified-hint');
  else add('verified', false, 'shield-unverified', 'shield-unverified-hint');
  if (encryption.isAddressHidden) add('address', true, 'shield-hidden', 'shield-hidden-hint');
  else add('address', false, 'shield-visible', 'shield-visible-hint');
  if (hasHelpers) add('helpers', false, 'shield-helpers', 'shield-helpers-hint');
  add('relay', false, 'shield-relay', 'shield-relay-hint');
  return facts;
}
