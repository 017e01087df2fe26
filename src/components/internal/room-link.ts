/** The page's address as the room's link: only its fragment is ever touched. */
import { fragmentEntry, hostFragment, roomFragment } from '../../engine/index.ts';
import type { RoomAddress } from '../../engine/index.ts';

/**
 * The link for guests: the page's address, and in its fragment this room's entry alone. Whatever else stands there is
 * this visitor's own: another room's secret, or the token with which somebody has just signed in.
 */
export function inviteUrl(href: string, address: RoomAddress, roomName: string): string {
  const [page = ''] = href.split('#');
  return address.kind === 'open' ? page : page + roomFragment('', address, roomName);
}

/** The host's own link: as `inviteUrl`, with the host's key; `undefined` where we are no host. */
export function hostUrl(href: string, address: RoomAddress, roomName: string): string | undefined {
  const [page = ''] = href.split('#');
  const fragment = hostFragment(address, roomName);
  return fragment && page + fragment;
}

/** Puts the room's link into the address bar, beside the page's other entries, so that a reload finds the room again. A page that may not, goes on without. */
export function publishLink(address: RoomAddress, roomName: string): void {
  const [page = ''] = location.href.split('#');
  try {
    history.replaceState(history.state, '', page + roomFragment(location.hash, address, roomName));
  } catch {
    // a sandboxed or `about:srcdoc` document has no address of its own
  }
}

/** This room's entry in a fragment, whole or damaged, or empty. */
export function linkEntry(fragment: string, roomName: string): string {
  return fragmentEntry(fragment, roomName) ?? '';
}
