/**
 * A picture that takes the place of another without a moment of black: a second, unseen `<video>` plays it until its first frame is
 * there. A track that has never been played has no decoder yet, and the element that shows the old one would stand still for it.
 */

/** A track that shows nothing by then is shown all the same: what is there now may be over. */
const PATIENCE_MS = 2_000;

export class NextPicture {
  #waiting: { readonly track: MediaStreamTrack; readonly end: () => void } | undefined;

  /** Calls back once the track has a frame, or for nothing. What was waited for before is not any more. */
  await(track: MediaStreamTrack, beside: HTMLVideoElement, onReady: () => void): void {
    if (this.#waiting?.track === track) return;
    this.cancel();
    const video = document.createElement('video');
    video.className = 'next';
    video.muted = true;
    video.playsInline = true;
    video.ariaHidden = 'true';
    video.srcObject = new MediaStream([track]);
    const ready = (): void => {
      if (this.#waiting?.track !== track) return;
      // the decoder goes with the last element that plays it: the other one has it first
      onReady();
      this.cancel();
    };
    const timer = setTimeout(ready, PATIENCE_MS);
    this.#waiting = {
      track,
      end: () => {
        clearTimeout(timer);
        video.srcObject = null;
        video.remove();
      },
    };
    beside.after(video);
    video.requestVideoFrameCallback(ready);
    // a refusal is no news: the other one would be refused as well, and says so
    video.play().catch(() => undefined);
  }

  cancel(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.end();
  }
}
