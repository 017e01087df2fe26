/** The page around the room: an invited visitor sees the room first, and the example names this relay. */
import type {} from '../src/index.ts';

/** As the room reads it; `=` may have been written as `%3D` on the way. */
const INVITE = /[#&]tai(=|%3d)/i;
const TITLE = document.title;

const room = document.querySelector('tai-room');
const snippet = document.querySelector('#snippet');

document.documentElement.classList.toggle('is-invited', INVITE.test(location.hash));
if (snippet) snippet.textContent = (snippet.textContent ?? '').replace('https://relay.example.com', location.origin);

room?.addEventListener('tai-state-change', ({ state }) => {
  const isCalling = state === 'joining' || state === 'joined' || state === 'reconnecting';
  const wasCalling = document.documentElement.classList.contains('is-calling');
  document.documentElement.classList.toggle('is-calling', isCalling);
  // the page around the room has changed its height: what was clicked must not leave the view
  if (isCalling !== wasCalling) room.scrollIntoView({ block: 'start' });
  document.title = isCalling ? `In the room — ${TITLE}` : TITLE;
});

room?.addEventListener('tai-error', ({ code }) => {
  // the room says what is wrong with the link: nothing here may promise that it works
  if (code === 'link-invalid') document.documentElement.classList.remove('is-invited');
});
