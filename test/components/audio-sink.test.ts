import { AudioSink } from '../../src/components/internal/audio-sink.ts';
import { equal, same, until } from './assert.ts';

/** A remote track: only those come from another page's connection, as in a call. */
async function remoteTrack(): Promise<{ track: MediaStreamTrack; close: () => void }> {
  const source = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
  near.addEventListener('icecandidate', ({ candidate }) => void far.addIceCandidate(candidate ?? undefined));
  far.addEventListener('icecandidate', ({ candidate }) => void near.addIceCandidate(candidate ?? undefined));
  const received = new Promise<MediaStreamTrack>((resolve) => {
    far.addEventListener('track', ({ track }) => resolve(track));
  });
  for (const track of source) near.addTrack(track);
  await near.setLocalDescription();
  if (near.localDescription) await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  if (far.localDescription) await near.setRemoteDescription(far.localDescription);
  const track = await received;
  const close = (): void => {
    near.close();
    far.close();
    for (const own of source) own.stop();
  };
  return { track, close };
}

function played(element: HTMLAudioElement): MediaStreamTrack[] {
  return element.srcObject instanceof MediaStream ? element.srcObject.getAudioTracks() : [];
}

async function playsOn(element: HTMLAudioElement, what: string): Promise<void> {
  await until(() => element.readyState > HTMLMediaElement.HAVE_METADATA && !element.paused, what);
  const then = element.currentTime;
  await until(() => element.currentTime !== then, what);
}

describe('AudioSink', () => {
  it('plays who is there, who comes later, and who stays, through one element', async () => {
    const element = new Audio();
    const blocked: boolean[] = [];
    const sink = new AudioSink((isBlocked) => blocked.push(isBlocked), element);
    sink.start();
    const [first, second] = [await remoteTrack(), await remoteTrack()];
    sink.setTracks([first.track]);
    await playsOn(element, 'the first');
    const stream = element.srcObject;
    sink.setTracks([first.track]);
    equal(element.srcObject, stream, 'no change, no new stream');
    sink.setTracks([first.track, second.track]);
    same(
      played(element)
        .map(({ id }) => id)
        .sort(),
      [first.track.id, second.track.id].sort(),
    );
    await playsOn(element, 'both');
    first.close();
    sink.setTracks([second.track]);
    same(
      played(element).map(({ id }) => id),
      [second.track.id],
    );
    await playsOn(element, 'who stays');
    equal(blocked.includes(true), false, 'never blocked');
    sink.close();
    equal(element.srcObject, null);
    second.close();
  });
});
