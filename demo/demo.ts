/** The page around the room: an invited visitor sees the room first, and the example names this relay. */
import type {} from '../src/index.ts';

const INVITE = /[#&]tai=/;
const TITLE = document.title;

const room = document.querySelector('tai-room');
const snippet = document.querySelector('#snippet');

document.documentElement.classList.toggle('is-invited', INVITE.test(location.hash));
if (snippet) snippet.textContent = (snippet.textContent ?? '').replace('https://relay.example.com', location.origin);

room?.addEventListener('tai-state-change', ({ state }) => {
  const isCalling = state === 'joining' || state === 'joined' || state === 'reconnecting';
  document.documentElement.classList.toggle('is-calling', isCalling);
  document.title = isCalling ? `In the room — ${TITLE}` : TITLE;
});
