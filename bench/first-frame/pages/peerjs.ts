/** PeerJS as its documentation shows it, with ids of our own: that saves it the request for one. */
import { Peer } from 'peerjs';
import { openCamera } from './contender.ts';
import { startPage } from './page.ts';

startPage(({ role, relay, room }) => {
  const { hostname, port } = new URL(relay);
  const hostId = `h${room}`;
  let stream: MediaStream | undefined;
  return {
    openCamera: async () => (stream = await openCamera()),
    join: async (onVideo) => {
      const peer = new Peer(role === 'host' ? hostId : `g${room}`, {
        host: hostname,
        port: Number(port),
        path: '/',
        secure: false,
        config: { iceServers: [] },
      });
      const show = (remote: MediaStream): void => remote.getVideoTracks().forEach(onVideo);
      peer.on('call', (call) => {
        call.answer(stream);
        call.on('stream', show);
      });
      await new Promise<void>((resolve, reject) => {
        peer.on('open', () => resolve());
        peer.on('error', reject);
      });
      if (role === 'guest' && stream) peer.call(hostId, stream).on('stream', show);
    },
  };
});
