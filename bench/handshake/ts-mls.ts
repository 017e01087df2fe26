/** ts-mls: a group of two by RFC 9420 with X-Wing, from the published key package to the first message read. */
import {
  createApplicationMessage,
  createCommit,
  createGroup,
  decodeMlsMessage,
  defaultCapabilities,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  processPrivateMessage,
} from 'ts-mls';
import type { ClientState } from 'ts-mls';
import { MESSAGE } from './contender.ts';
import type { Handshake } from './contender.ts';

export const tsMls: Handshake = {
  async prepare() {
    const suite = await getCiphersuiteImpl(getCiphersuiteFromName('MLS_256_XWING_AES256GCM_SHA512_Ed25519'));
    const keyPackage = (name: string) =>
      generateKeyPackage(
        { credentialType: 'basic', identity: new TextEncoder().encode(name) },
        defaultCapabilities(),
        defaultLifetime,
        [],
        suite,
      );
    const [newcomer, present] = await Promise.all([keyPackage('newcomer'), keyPackage('present')]);
    let [ours, theirs]: [ClientState | undefined, ClientState | undefined] = [undefined, undefined];
    const carry = async (from: ClientState, to: ClientState): Promise<[ClientState, ClientState]> => {
      const sent = await createApplicationMessage(from, MESSAGE, suite);
      const bytes = encodeMlsMessage({
        privateMessage: sent.privateMessage,
        wireformat: 'mls_private_message',
        version: 'mls10',
      });
      const message = decodeMlsMessage(bytes, 0)?.[0];
      if (message?.wireformat !== 'mls_private_message') throw new Error('ts-mls: no message');
      const read = await processPrivateMessage(to, message.privateMessage, emptyPskIndex, suite);
      return [sent.newState, read.newState];
    };
    return {
      handshake: async () => {
        const group = await createGroup(new Uint8Array(16), newcomer.publicPackage, newcomer.privatePackage, [], suite);
        const add = { proposalType: 'add', add: { keyPackage: present.publicPackage } } as const;
        const commit = await createCommit({ state: group, cipherSuite: suite }, { extraProposals: [add] });
        if (!commit.welcome) throw new Error('ts-mls: no welcome');
        const bytes = encodeMlsMessage({ welcome: commit.welcome, wireformat: 'mls_welcome', version: 'mls10' });
        const welcome = decodeMlsMessage(bytes, 0)?.[0];
        if (welcome?.wireformat !== 'mls_welcome') throw new Error('ts-mls: no welcome');
        const joined = await joinGroup(
          welcome.welcome,
          present.publicPackage,
          present.privatePackage,
          emptyPskIndex,
          suite,
          commit.newState.ratchetTree,
        );
        [ours, theirs] = await carry(commit.newState, joined);
      },
      exchange: async () => {
        if (!ours || !theirs) throw new Error('ts-mls: no session');
        [theirs, ours] = await carry(theirs, ours);
        [ours, theirs] = await carry(ours, theirs);
      },
    };
  },
};
