/**
 * The floor: WebRTC by hand for exactly two people, as fast as it can be written. The offer is made in the click's own
 * task, while the socket is still being opened, and everything is sent in plain text.
 */
import { CAMERA_ENCODING, openCamera } from './contender.ts';
import { startPage } from './page.ts';

type Message = { readonly description?: RTCSessionDescriptionInit; readonly candidate?: RTCIceCandidateInit };

startPage(({ role, relay, room }) => {
  let stream: MediaStream | undefined;
  return {
    openCamera: async () => (stream = await openCamera()),
    join: async (onVideo) => {
      const socket = new WebSocket(`${relay}/${room}`);
      const isOpen = new Promise((resolve) => socket.addEventListener('open', resolve));
      const send = (message: Message): void => {
        if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
        else void isOpen.then(() => socket.send(JSON.stringify(message)));
      };
      const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      connection.addEventListener(
        'icecandidate',
        ({ candidate }) => candidate && send({ candidate: candidate.toJSON() }),
      );
      connection.addEventListener('track', ({ track }) => track.kind === 'video' && onVideo(track));
      const describe = async (): Promise<void> => {
        await connection.setLocalDescription();
        if (connection.localDescription) send({ description: connection.localDescription });
      };
      let work: Promise<void> = Promise.resolve();
      socket.addEventListener('message', ({ data }) => {
        const { description, candidate } = JSON.parse(data as string) as Message;
        work = work.then(async () => {
          if (candidate) await connection.addIceCandidate(candidate);
          if (!description) return;
          await connection.setRemoteDescription(description);
          if (description.type !== 'offer') return;
          for (const track of stream?.getTracks() ?? []) connection.addTrack(track);
          await limit(connection);
          await describe();
        });
      });
      if (role === 'guest') {
        for (const track of stream?.getTracks() ?? []) {
          const sendEncodings = track.kind === 'video' ? [{ ...CAMERA_ENCODING }] : [];
          connection.addTransceiver(track, { direction: 'sendrecv', sendEncodings });
        }
        await describe();
      }
      await isOpen;
    },
  };
});

async function limit(connection: RTCPeerConnection): Promise<void> {
  const sender = connection.getSenders().find(({ track }) => track?.kind === 'video');
  const parameters = sender?.getParameters();
  if (!sender || !parameters?.encodings[0]) return;
  Object.assign(parameters.encodings[0], CAMERA_ENCODING);
  await sender.setParameters(parameters);
}
