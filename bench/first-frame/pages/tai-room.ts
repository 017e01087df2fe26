/** The engine as a page uses it without elements: sealed signalling, through the real relay. */
import { createSession, resolveRoom } from '../../../src/engine/index.ts';
import type { Session, SessionView } from '../../../src/engine/index.ts';
import { startPage } from './page.ts';

startPage(({ role, relay, room }) => {
  let session: Session | undefined;
  return {
    openCamera: async () => {
      const bytes = room.match(/../g)?.map((digits) => Number.parseInt(digits, 16)) ?? [];
      const address = await resolveRoom({ relay, roomSecret: Uint8Array.from(bytes) });
      if (!address) throw new Error('no room');
      session = createSession({ relay, room: address });
      session.dispatch({ type: 'open-lobby', microphone: true, camera: true });
      const { cameraTrack } = await until(session, (view) => view.cameraTrack !== undefined);
      return new MediaStream(cameraTrack ? [cameraTrack] : []);
    },
    join: async (onVideo) => {
      if (!session) throw new Error('no lobby');
      session.dispatch({ type: 'join' });
      if (role === 'host') {
        await until(session, ({ phase }) => phase === 'joined');
        return;
      }
      const { participants } = await until(session, (view) => view.participants.some(({ videoTrack }) => videoTrack));
      for (const { videoTrack } of participants) if (videoTrack) onVideo(videoTrack);
    },
  };
});

function until(session: Session, fits: (view: SessionView) => boolean): Promise<SessionView> {
  return new Promise((resolve) => {
    const look = (view: SessionView): void => {
      if (!fits(view)) return;
      stop();
      resolve(view);
    };
    const stop = session.subscribe(look);
    look(session.view);
  });
}
