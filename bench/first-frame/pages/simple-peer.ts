/** simple-peer with trickle on, over the same plain relay as the hand-written one; it offers while the socket opens. */
import SimplePeer from 'simple-peer/simplepeer.min.js';
import { openCamera } from './contender.ts';
import { startPage } from './page.ts';

startPage(({ role, relay, room }) => {
  let stream: MediaStream | undefined;
  return {
    openCamera: async () => (stream = await openCamera()),
    join: async (onVideo) => {
      const socket = new WebSocket(`${relay}/${room}`);
      const isOpen = new Promise((resolve) => socket.addEventListener('open', resolve));
      const create = (): SimplePeer => {
        const peer = new SimplePeer({
          initiator: role === 'guest',
          trickle: true,
          config: { iceServers: [] },
          ...(stream ? { stream } : {}),
        });
        peer.on('signal', (signal) => void isOpen.then(() => socket.send(JSON.stringify(signal))));
        peer.on('stream', (remote) => remote.getVideoTracks().forEach(onVideo));
        return peer;
      };
      let peer = role === 'guest' ? create() : undefined;
      socket.addEventListener('message', ({ data }) => {
        peer ??= create();
        peer.signal(JSON.parse(data as string));
      });
      await isOpen;
    },
  };
});
