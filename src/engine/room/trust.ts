/** What we know of the keys behind a peer: proved by the handshake, remembered from before, or refused. Pure. */
import type { PeerId } from '../protocol/ids.ts';
import type { Sender } from '../protocol/peer.ts';
import type { RoomEvent, Verification } from './events.ts';
import { NO_MEDIA, NO_ROUTE, closeStandby } from './peers.ts';
import type { PeerStep } from './peers.ts';
import type { AgreedIdentity, Peer } from './state.ts';

type TrustEvent = Extract<
  RoomEvent,
  { type: 'peer-met' | 'peer-identified' | 'peer-compared' | 'peer-doubted' | 'peer-refused' }
>;

/** A message of the peer has opened under keys that only this device can hold. */
export function agree(peer: Peer, sender: Sender): Peer {
  const { identity } = peer;
  const isConfirmed = sender.isConfirmed || (identity?.isConfirmed ?? false);
  if (identity?.certificate === sender.certificate && identity.isConfirmed === isConfirmed) return peer;
  const agreed: AgreedIdentity = { ...sender, isConfirmed, standing: identity?.standing ?? 'new' };
  return { ...peer, identity: agreed };
}

export function stepTrust(peer: Peer, event: TrustEvent): PeerStep {
  const { peerId, identity } = peer;
  switch (event.type) {
    case 'peer-met':
      return { peer: peer.isMet ? peer : { ...peer, isMet: true }, effects: [] };
    case 'peer-identified': {
      if (!identity || peer.isRefused || identity.standing === event.standing) return { peer, effects: [] };
      const { standing } = event;
      const alarms = standing === 'changed' ? [trouble('identity-changed', peerId)] : [];
      // what was found different stays so until it is compared again
      if (identity.standing === 'differs') return { peer, effects: alarms };
      const next: Peer = { ...peer, identity: { ...identity, standing } };
      if (standing === 'changed') return { peer: next, effects: alarms };
      if (standing === 'verified') return { peer: next, effects: [compared(peerId, 'remembered')] };
      return { peer: next, effects: identity.standing === 'verified' ? [compared(peerId, 'withdrawn')] : [] };
    }
    case 'peer-compared': {
      const standing = event.isSame ? 'verified' : 'differs';
      if (!identity || peer.isRefused || identity.standing === standing) return { peer, effects: [] };
      const next: Peer = { ...peer, identity: { ...identity, standing } };
      return { peer: next, effects: [compared(peerId, event.isSame ? 'match' : 'differ')] };
    }
    case 'peer-doubted':
      return { peer, effects: [trouble('wrong-key', peerId, event.reason === 'revoked')] };
    case 'peer-refused': {
      // whatever stood → CloseLink, RefusePeer; nothing leads back
      if (peer.isRefused) return { peer, effects: [] };
      const known = identity && event.isRevoked ? { ...identity, standing: 'revoked' as const } : identity;
      return {
        peer: {
          ...peer,
          identity: known,
          isRefused: true,
          ...NO_MEDIA,
          standby: undefined,
          route: NO_ROUTE,
          link: { ...peer.link, isEnded: true },
        },
        effects: [
          { type: 'close-link', peerId },
          ...closeStandby(peer),
          { type: 'refuse-peer', peerId },
          trouble('wrong-key', peerId, event.isRevoked),
        ],
      };
    }
  }
}

type TrustEffect = PeerStep['effects'][number];

function compared(peerId: PeerId, comparison: Verification): TrustEffect {
  const isVerified = comparison === 'match' || comparison === 'remembered';
  return { type: 'tell', moment: { type: 'verified', peerId, isVerified, comparison } };
}

export function trouble(code: 'wrong-key' | 'identity-changed', peerId: PeerId, isRevoked = false): TrustEffect {
  const why = isRevoked ? ({ isRevoked: true } as const) : {};
  return { type: 'tell', moment: { type: 'error', code, isRecoverable: true, peerId, ...why } };
}
