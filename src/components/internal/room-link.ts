/** The page's address as the room's link: only its fragment is ever touched. */
import { roomFragment } from '../../engine/index.ts';
import type { RoomAddress } from '../../engine/index.ts';

/** Entries of any room: one room's guests must not get another room's secret. */
const ROOM_ENTRY = /^tai(\.[^=]*)?=/;

/** The link for guests: the page's address with this room's entry, and without the entries of other rooms. */
export function inviteUrl(href: string, address: RoomAddress, roomName: string): string {
  const [page = '', ...rest] = href.split('#');
  const others = rest
    .join('#')
    .split('&')
    .filter((entry) => entry !== '' && !ROOM_ENTRY.test(entry))
    .join('&');
  if (address.kind === 'open') return others === '' ? page : `${page}#${others}`;
  return page + roomFragment(others, address, roomName);
}

/** Puts the room's link into the address bar, so that a reload finds the room again. A page that may not, goes on without. */
export function publishLink(address: RoomAddress, roomName: string): void {
  const [page = ''] = location.href.split('#');
  try {
    history.replaceState(history.state, '', page + roomFragment(location.hash, address, roomName));
  } catch {
    // a sandboxed or `about:srcdoc` document has no address of its own
  }
}

/** This room's entry in a fragment, or empty. */
export function linkEntry(fragment: string, roomName: string): string {
  const prefix = roomName === '' ? 'tai=' : `tai.${roomName}=`;
  const entries = fragment.replace(/^#/, '').split('&');
  return entries.find((entry) => entry.startsWith(prefix)) ?? '';
}
