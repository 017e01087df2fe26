/** A camera that looks at a QR code as it stands on a screen. */
import { ok } from './assert.ts';

const SIDE_PX = 480;

export function screenOf(qr: Element | undefined): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: SIDE_PX, height: SIDE_PX });
  const context = canvas.getContext('2d');
  const [track] = canvas.captureStream(15).getVideoTracks();
  ok(context && track && qr, 'a screen');
  const scale = SIDE_PX / Number(qr.getAttribute('viewBox')?.split(' ')[2]);
  const modules = new Path2D(qr.querySelector('path')?.getAttribute('d') ?? '');
  const draw = (): void => {
    context.resetTransform();
    context.fillStyle = '#fff';
    context.fillRect(0, 0, SIDE_PX, SIDE_PX);
    context.save();
    context.scale(scale, scale);
    context.clip(modules);
    context.fillStyle = '#000';
    context.fillRect(0, 0, SIDE_PX, SIDE_PX);
    context.restore();
    // a canvas is captured when it is drawn on
    if (track.readyState === 'live') requestAnimationFrame(draw);
  };
  draw();
  return track;
}
