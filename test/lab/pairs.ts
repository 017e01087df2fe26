/** Every two kinds of home that two people can have, and which way there is between them. */
import type { TestPage } from '../helpers/browsers.ts';
import type { Nat, Side } from './network.ts';

export type Path = { readonly link: string; readonly relayProtocol: string };

export type Pair = {
  readonly nats: { readonly [Each in Side]: Nat };
  readonly link: 'direct' | 'relay';
};

/**
 * A symmetric router meets the one behind a cone under another port than the one it was told, which lets only in whom it has sent to:
 * as with two symmetric ones, what is left is a TURN host.
 */
export const PAIRS: readonly Pair[] = [
  { nats: { a: 'cone', b: 'cone' }, link: 'direct' },
  { nats: { a: 'cone', b: 'symmetric' }, link: 'relay' },
  { nats: { a: 'symmetric', b: 'symmetric' }, link: 'relay' },
  { nats: { a: 'cone', b: 'noudp' }, link: 'relay' },
  { nats: { a: 'symmetric', b: 'noudp' }, link: 'relay' },
  { nats: { a: 'noudp', b: 'noudp' }, link: 'relay' },
];

export function nameOf({ nats }: Pair): string {
  return `${nats.a}-${nats.b}`;
}

type Room = HTMLElement & {
  getStats(): Promise<{
    readonly peers: Readonly<Record<string, Path & { readonly framesDecoded: number; readonly framesOpened: number }>>;
  }>;
};

/** What the statistics say of the way to the one other, once there is one. */
export function pathOf(page: TestPage): Promise<Path> {
  return page.until('a path', async () => {
    const stats = await document.querySelector<Room>('tai-room')?.getStats();
    const [peer] = Object.values(stats?.peers ?? {});
    return peer && peer.link !== 'none' ? { link: peer.link, relayProtocol: peer.relayProtocol } : undefined;
  });
}
