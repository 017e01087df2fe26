/** Ours: bundle opened, PQXDH on both sides, the first message through both ratchets. */
import { issueCertificate } from '../../src/engine/crypto/certificate.ts';
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createPreKeys, readBundle } from '../../src/engine/crypto/pre-keys.ts';
import { initiate, respond } from '../../src/engine/crypto/pqxdh.ts';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import {
  acceptRatchet,
  answerChain,
  initiateRatchet,
  openMessage,
  sealMessage,
} from '../../src/engine/crypto/ratchet.ts';
import type { Ratchet } from '../../src/engine/crypto/ratchet.ts';
import { MODE_REQUIRED, SUITES } from '../../src/engine/crypto/suite.ts';
import type { PeerId, RoomId } from '../../src/engine/protocol/ids.ts';
import { MESSAGE } from './contender.ts';
import type { Handshake } from './contender.ts';

const NOW_S = Math.floor(Date.now() / 1000);
const ROOM_ID = `0x${'01'.repeat(32)}` as RoomId;
const [NEWCOMER, PRESENT] = [`0x${'0a'.repeat(16)}` as PeerId, `0x${'0b'.repeat(16)}` as PeerId];
const ROOM = { roomId: ROOM_ID, psk: new Uint8Array(32).fill(7), mode: MODE_REQUIRED };

export const taiRoom: Handshake = {
  async prepare() {
    const provider = await createProvider();
    const [newcomer, present] = await Promise.all([device(provider), device(provider)]);
    const dtlsFingerprint = new Uint8Array(32).fill(9);
    const context = { roomId: ROOM_ID, peerId: PRESENT, dtlsFingerprint, mode: MODE_REQUIRED };
    const preKeys = await createPreKeys(provider, present, context, 1);
    const [oneTime] = preKeys.oneTime;
    const own = { device: present, peerId: PRESENT, dtlsFingerprint, preKeys, suites: SUITES };
    let [ours, theirs]: [Ratchet | undefined, Ratchet | undefined] = [undefined, undefined];
    const carry = async (from: Ratchet, to: Ratchet): Promise<[Ratchet, Ratchet]> => {
      const ready = await answerChain(provider, from);
      const sealed = ready && (await sealMessage(ready, MESSAGE));
      const opened = sealed && (await openMessage(to, sealed.message, NOW_S * 1000));
      if (!sealed || !opened?.ok) throw new Error('tai-room: a message did not open');
      return [sealed.ratchet, opened.ratchet];
    };
    return {
      handshake: async () => {
        const read = readBundle(provider, context, preKeys.head, oneTime, NOW_S);
        if (!read) throw new Error('tai-room: no bundle');
        const { bundle } = read;
        const side = { device: newcomer, peerId: NEWCOMER, dtlsFingerprint };
        const initiating = initiate(provider, side, { peerId: PRESENT, bundle }, ROOM);
        const agreeing = initiating.then((initiated) => initiated?.secrets);
        const [isGenuine, begun, ratchet] = await Promise.all([
          read.isGenuine,
          initiating,
          initiateRatchet(provider, agreeing, bundle.lastResort.dh),
        ]);
        if (!isGenuine || !begun || !ratchet) throw new Error('tai-room: refused');
        const answer = await respond(provider, own, NEWCOMER, begun.header, ROOM, NOW_S);
        if (!answer.ok) throw new Error('tai-room: refused');
        [ours, theirs] = await carry(ratchet, acceptRatchet(answer.secrets, preKeys.lastResort.dh));
      },
      exchange: async () => {
        if (!ours || !theirs) throw new Error('tai-room: no session');
        [theirs, ours] = await carry(theirs, ours);
        [ours, theirs] = await carry(ours, theirs);
      },
    };
  },
};

async function device(provider: Provider): Promise<DeviceKeys> {
  const [signer, dh] = await Promise.all([provider.generateSigner(), provider.generateDh()]);
  return { signer, dh, certificate: await issueCertificate(signer, dh.publicKey, 'device', NOW_S, 3600) };
}
