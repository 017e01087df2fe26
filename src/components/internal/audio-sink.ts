/**
 * Plays everybody, for as long as the session lasts, through audio elements that are made inside the click that joins:
 * browsers decide at `play()` whether an element may sound, and Safari starts no new one in a hidden tab, so that whoever
 * comes later would stay silent.
 *
 * One element a voice: of several remote tracks in one stream, Chromium plays the first and drops the others without a
 * word. Not WebAudio: Chromium feeds a remote track into an AudioContext only while a media element plays it too, and a
 * context outside the browser's call path costs echo cancellation. Not in the document either: an element that stands
 * nowhere keeps playing while `<tai-room>` is moved.
 */
type Voice = { readonly element: HTMLAudioElement; readonly stream: MediaStream; track: MediaStreamTrack | undefined };

/** As many as a full mesh has others; more are made when they are needed. */
const VOICES_AT_START = 7;

export class AudioSink {
  readonly #onBlocked: (isBlocked: boolean) => void;
  readonly #voices: Voice[] = [];
  #tracks: readonly MediaStreamTrack[] = [];
  #isStarted = false;

  constructor(onBlocked: (isBlocked: boolean) => void) {
    this.#onBlocked = onBlocked;
  }

  /** Call it inside a click. Calling again is the way out of a blocked autoplay. */
  start(): void {
    this.#isStarted = true;
    while (this.#voices.length < VOICES_AT_START) this.#voices.push(createVoice());
    this.setTracks(this.#tracks);
    for (const voice of this.#voices) this.#play(voice);
  }

  setTracks(tracks: readonly MediaStreamTrack[]): void {
    this.#tracks = tracks;
    for (const voice of this.#voices) if (voice.track && !tracks.includes(voice.track)) setTrack(voice, undefined);
    if (!this.#isStarted) return;
    for (const track of tracks) {
      if (this.#voices.some((voice) => voice.track === track)) continue;
      const voice = this.#voices.find((free) => free.track === undefined) ?? createVoice();
      if (!this.#voices.includes(voice)) this.#voices.push(voice);
      setTrack(voice, track);
      this.#play(voice);
    }
  }

  close(): void {
    this.setTracks([]);
    for (const { element } of this.#voices) {
      element.pause();
      element.srcObject = null;
    }
    this.#voices.length = 0;
    this.#isStarted = false;
  }

  #play(voice: Voice): void {
    void voice.element.play().then(
      () => this.#onBlocked(false),
      (error: unknown) => {
        // AbortError is a newer play() or a pause() of our own; only a refusal needs the participant.
        const isRefused = error instanceof DOMException && error.name === 'NotAllowedError';
        if (isRefused && voice.track && this.#voices.includes(voice)) this.#onBlocked(true);
      },
    );
  }
}

function createVoice(): Voice {
  const stream = new MediaStream();
  const element = new Audio();
  element.autoplay = true;
  element.srcObject = stream;
  return { element, stream, track: undefined };
}

function setTrack(voice: Voice, track: MediaStreamTrack | undefined): void {
  if (voice.track) voice.stream.removeTrack(voice.track);
  if (track) voice.stream.addTrack(track);
  voice.track = track;
}
