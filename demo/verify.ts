/** Two screens of one private room on one page: its secret is made here, and goes nowhere. */
import type {} from '../src/index.ts';

const roomSecret = crypto.getRandomValues(new Uint8Array(32));
for (const room of document.querySelectorAll<HTMLElementTagNameMap['tai-room']>('tai-room[data-shared]')) {
  room.roomSecret = roomSecret;
}
