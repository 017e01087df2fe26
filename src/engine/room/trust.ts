/** What we know of the keys behind a peer: proved by the handshake, remembered from before, or refused. Pure. */
import type { Sender } from '../protocol/peer.ts';
import type { RoomEvent } from './events.ts';
import type { PeerStep } from './peers.ts';
import type { AgreedIdentity, Peer } from './state.ts';

type TrustEvent = Extract<RoomEvent, { type: 'peer-met' | 'peer-identified' | 'peer-doubted' | 'peer-refused' }>;

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
      if (!identity || identity.standing === event.standing) return { peer, effects: [] };
      const { standing } = event;
      const next: Peer = { ...peer, identity: { ...identity, standing } };
      const isVerified = standing === 'verified';
      if (standing === 'changed') return { peer: next, effects: [trouble('identity-changed', peer)] };
      if (!isVerified && identity.standing !== 'verified') return { peer: next, effects: [] };
      return { peer: next, effects: [{ type: 'tell', moment: { type: 'verified', peerId, isVerified } }] };
    }
    case 'peer-doubted':
      return { peer, effects: [trouble('wrong-key', peer)] };
    case 'peer-refused':
      // whatever stood → CloseLink, RefusePeer; nothing leads back
      if (peer.isRefused) return { peer, effects: [] };
      return {
        peer: { ...peer, isRefused: true, tracks: {}, frames: {}, link: { ...peer.link, isEnded: true } },
        effects: [{ type: 'close-link', peerId }, { type: 'refuse-peer', peerId }, trouble('wrong-key', peer)],
      };
  }
}

function trouble(code: 'wrong-key' | 'identity-changed', { peerId }: Peer): PeerStep['effects'][number] {
  return { type: 'tell', moment: { type: 'error', code, isRecoverable: true, peerId } };
}
