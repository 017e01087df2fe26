/**
 * Plays everybody, for as long as we are in the room, through one audio element.
 *
 * One, and made inside the click that joins: browsers decide at `play()` whether an element may sound, and Safari starts no
 * new element in a hidden tab, so that whoever comes later would stay silent. Each change gives it a new stream: Chromium
 * plays the tracks that a stream has when it is set, a track added to a playing stream stays silent (measured at its sound
 * output; Firefox plays both). Not WebAudio: Chromium feeds a remote track into an AudioContext only while a media element
 * plays it too, and a context costs echo cancellation. Not in the document either: an element that stands nowhere keeps
 * playing while `<tai-room>` is moved.
 */
export class AudioSink {
  readonly #onBlocked: (isBlocked: boolean) => void;
  readonly #element: HTMLAudioElement;
  #tracks: readonly MediaStreamTrack[] = [];

  constructor(onBlocked: (isBlocked: boolean) => void, element = new Audio()) {
    this.#onBlocked = onBlocked;
    this.#element = element;
    element.autoplay = true;
    element.srcObject = new MediaStream();
  }

  /** Call it inside a click. Calling again is the way out of a blocked autoplay. */
  start(): void {
    this.#element.play().then(
      () => this.#onBlocked(false),
      (error: unknown) => {
        // AbortError is a newer stream or a pause of our own; only a refusal needs the participant.
        if (error instanceof DOMException && error.name === 'NotAllowedError') this.#onBlocked(true);
      },
    );
  }

  setTracks(tracks: readonly MediaStreamTrack[]): void {
    if (tracks.length === this.#tracks.length && tracks.every((track) => this.#tracks.includes(track))) return;
    this.#tracks = tracks;
    this.#element.srcObject = new MediaStream([...tracks]);
    if (tracks.length > 0) this.start();
  }

  close(): void {
    this.#element.pause();
    this.#element.srcObject = null;
    this.#onBlocked(false);
  }
}
