/**
 * Plays everybody, for as long as the session lasts, through one audio element with one stream.
 *
 * One, and made inside the click that joins: browsers decide at `play()` whether an element may sound, and Safari starts no
 * new element in a hidden tab, so that whoever comes later would stay silent. The stream's tracks change under it.
 * Not WebAudio: Chromium feeds a remote track into an AudioContext only while a media element plays it too, and a context
 * outside the browser's call path costs echo cancellation. Not in the document either: an element that stands nowhere keeps
 * playing while `<tai-room>` is moved.
 */
export class AudioSink {
  readonly #onBlocked: (isBlocked: boolean) => void;
  readonly #stream = new MediaStream();
  #element: HTMLAudioElement | undefined;

  constructor(onBlocked: (isBlocked: boolean) => void) {
    this.#onBlocked = onBlocked;
  }

  /** Call it inside a click. Calling again is the way out of a blocked autoplay. */
  start(): void {
    if (!this.#element) {
      this.#element = new Audio();
      this.#element.autoplay = true;
      this.#element.srcObject = this.#stream;
    }
    this.#play();
  }

  setTracks(tracks: readonly MediaStreamTrack[]): void {
    const wanted = new Set(tracks);
    const present = this.#stream.getTracks();
    const gone = present.filter((track) => !wanted.has(track));
    const added = tracks.filter((track) => !present.includes(track));
    for (const track of gone) this.#stream.removeTrack(track);
    for (const track of added) this.#stream.addTrack(track);
    if (added.length > 0 && this.#element) this.#play();
  }

  close(): void {
    this.setTracks([]);
    this.#element?.pause();
    if (this.#element) this.#element.srcObject = null;
    this.#element = undefined;
  }

  #play(): void {
    const element = this.#element;
    void element?.play().then(
      () => this.#onBlocked(false),
      (error: unknown) => {
        // AbortError is a newer play() or a pause() of our own; only a refusal needs the participant.
        if (element === this.#element && error instanceof DOMException && error.name === 'NotAllowedError') {
          this.#onBlocked(true);
        }
      },
    );
  }
}
