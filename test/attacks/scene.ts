/** Where most attacks of an insider begin: two people in a call, and somebody who has come in with the link. */
import type { DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { createProvider } from '../../src/engine/crypto/provider.ts';
import { makeDevice } from '../crypto/handshake-fixtures.ts';
import { MemoryRelay } from '../session/memory-relay.ts';
import { assertUnharmed, gather, untilWith } from '../session/page.ts';
import type { Page } from '../session/page.ts';
import { Puppet } from './puppet.ts';
import type { PuppetOptions } from './puppet.ts';

export const DIRECT = { isDirect: true };

/** `aheadS`: its certificate is of a clock that is so far ahead. */
export async function newDevice(aheadS = 0): Promise<DeviceKeys> {
  return makeDevice(await createProvider(), { nowS: Math.floor(Date.now() / 1000) + aheadS });
}

export type Scene = {
  readonly relay: MemoryRelay;
  readonly pages: readonly Page[];
  readonly ada: Page;
  readonly bob: Page;
  readonly mallory: Puppet;
};

/** Ada and Bob are in a call; Mallory has come in with the link, and is seen by both. */
export async function enter(lie?: PuppetOptions['lie']): Promise<Scene> {
  const relay = new MemoryRelay();
  const pages = await gather(relay, ['Ada', 'Bob'], DIRECT);
  const [ada, bob] = pages as [Page, Page];
  const mallory = new Puppet(relay, 'Mallory', lie && { lie });
  await mallory.join();
  const isSeen = (): boolean => pages.every((page) => page.peer(mallory.id)?.encryption === 'encrypted');
  await untilWith(pages, ['roster-announce'], 'Mallory is seen', () => isSeen() && mallory.peers.length === 2);
  return { relay, pages, ada, bob, mallory };
}

/** Mallory goes, and the others are as they were. */
export async function assertOver({ pages, mallory }: Scene): Promise<void> {
  mallory.leave();
  await assertUnharmed(pages);
}
