/** What devices say about their own keys: that others take their place, or that they are dead (PROTOCOL.md PN3, PN4). */
import { E2eeError } from './e2ee-types.ts';
import type { OwnClient } from './own-client.ts';
import { REVOKE_REASONS } from './protocol/e2ee.ts';
import type { KeyRevokeMessage, KeyRotationMessage, RevokeReason } from './protocol/e2ee.ts';

type KeyChange = KeyRotationMessage | KeyRevokeMessage;

/** Under the key id that the others know by now. */
export async function rotateKeys({ identity, keys }: OwnClient): Promise<KeyRotationMessage> {
  const { provider, self } = keys.party;
  const key_id = await keys.keyId();
  const { statement } = await identity.rotate(provider, keys.party.nowS());
  await keys.rotated();
  return { type: 'e2ee_key_rotation', sender_id: self, key_id, statement };
}

/** Oldest last. The next `open` of this identity makes new keys. */
export async function revokeKeys(
  { identity, keys }: OwnClient,
  reason: RevokeReason,
): Promise<readonly KeyRevokeMessage[]> {
  // pages are not type-checked
  if (!REVOKE_REASONS.includes(reason)) throw new E2eeError('malformed');
  const { provider, self } = keys.party;
  const revocations = await keys.revocations();
  await identity.revoke(provider, keys.party.nowS());
  return revocations.map(({ keyId, statement }) => ({
    type: 'e2ee_key_revoke',
    sender_id: self,
    key_id: keyId,
    statement,
    reason,
  }));
}

/** Changes nothing. A rotation is looked at only where there is a session with its sender. */
export async function isGenuineKeyChange({ keys }: OwnClient, message: KeyChange): Promise<boolean> {
  const opened =
    message.type === 'e2ee_key_rotation'
      ? await keys.proofs.openRotation(message)
      : await keys.proofs.openRevocation(message);
  return opened !== undefined;
}

/** Rejects with an `E2eeError`, and then nothing has changed. */
export async function acceptKeyChange(own: OwnClient, message: KeyChange): Promise<'rotated' | 'revoked'> {
  const { keys, identity } = own;
  if (message.type === 'e2ee_key_revoke') {
    const revocation = await keys.proofs.openRevocation(message);
    if (!revocation) throw new E2eeError('bad-signature');
    await identity.pins.markRevoked(revocation.deviceId);
    keys.sessions.refuse(revocation.deviceId);
    return 'revoked';
  }
  const rotation = await keys.proofs.openRotation(message);
  const peer = keys.sessions.get(message.sender_id);
  if (!rotation || !peer) throw new E2eeError('bad-signature');
  if (!(await identity.pins.moveTo(rotation.from, rotation.to))) throw new E2eeError('other-device');
  peer.current = rotation.certificate;
  return 'rotated';
}
