/** A camera for pictures: somebody at home, drawn. Runs in the page, before anything else does; needs nothing around it. */
export function installDrawnCamera(look) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 1280, height: 720 });
  const paint = canvas.getContext('2d', { willReadFrequently: true });
  const { wall, wallShade, lamp, plant, skin, skinShade, hair, cloth, clothShade } = look;

  const ellipse = (x, y, rx, ry, fill, angle = 0) => {
    paint.beginPath();
    paint.ellipse(x, y, rx, ry, angle, 0, 2 * Math.PI);
    paint.fillStyle = fill;
    paint.fill();
  };
  const outline = (path) => new Path2D(path);
  const shape = (path, fill) => {
    paint.fillStyle = fill;
    paint.fill(outline(path));
  };
  const line = (path, width, stroke) => {
    paint.lineWidth = width;
    paint.lineCap = 'round';
    paint.strokeStyle = stroke;
    paint.stroke(outline(path));
  };

  function drawRoom() {
    const light = paint.createRadialGradient(470, 150, 40, 640, 360, 760);
    light.addColorStop(0, wall);
    light.addColorStop(1, wallShade);
    paint.fillStyle = light;
    paint.fillRect(0, 0, 1280, 720);
    paint.filter = 'blur(9px)';
    ellipse(350, 190, 62, 62, lamp);
    for (const [x, y, angle] of plant) {
      ellipse(x, y, 26, 96, '#4f7a5b', angle);
      ellipse(x + 18, y + 40, 20, 84, '#3d6650', angle + 0.5);
    }
    paint.filter = 'none';
  }

  function drawPerson(sway) {
    paint.save();
    paint.translate(sway, 30);
    if (look.back) shape(look.back, hair);
    shape('M 300 720 C 320 560 440 520 560 500 L 720 500 C 840 520 960 560 980 720 Z', cloth);
    shape('M 560 500 C 600 560 680 560 720 500 L 742 506 C 690 590 590 590 538 506 Z', clothShade);
    shape('M 578 400 L 578 500 C 600 550 680 550 702 500 L 702 400 Z', skinShade);
    ellipse(640, 320, 128, 158, skin);
    for (const x of [512, 768]) ellipse(x, 330, 20, 34, skin);
    for (const x of [592, 688]) {
      ellipse(x, 318, 21, 14, '#fff');
      ellipse(x, 318, 11, 12, look.eyes);
      ellipse(x + 3, 314, 3, 3, '#fff');
    }
    line('M 566 284 Q 592 270 616 282', 8, look.brows);
    line('M 664 282 Q 688 270 714 284', 8, look.brows);
    line('M 642 330 Q 654 366 632 372', 5, skinShade);
    if (look.beard) shape(look.beard, hair);
    shape('M 594 402 Q 640 416 686 402 Q 668 446 640 446 Q 612 446 594 402 Z', '#8d3b3b');
    shape('M 602 405 Q 640 416 678 405 Q 664 420 640 420 Q 616 420 602 405 Z', '#fff');
    shape(look.front, hair);
    if (look.glasses) {
      for (const x of [550, 652]) line(`M ${x} 300 h 78 v 34 q 0 22 -39 22 q -39 0 -39 -22 Z`, 6, look.glasses);
      line('M 628 308 q 12 -8 24 0', 6, look.glasses);
    }
    paint.restore();
  }

  drawRoom();
  const room = paint.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  // A few frames a second: three of these are drawn and encoded on one machine.
  setInterval(() => {
    paint.putImageData(room, 0, 0);
    drawPerson(2 * Math.sin(count++ / 8));
  }, 400);

  const { mediaDevices } = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (constraints) => {
    const stream = await real(constraints);
    for (const track of stream.getVideoTracks()) {
      stream.removeTrack(track);
      track.stop();
      stream.addTrack(canvas.captureStream().getVideoTracks()[0]);
    }
    return stream;
  };
}

const LONG_HAIR_BACK =
  'M 640 120 C 470 120 450 300 470 420 C 480 520 450 560 430 600 L 850 600 C 830 560 800 520 810 420 C 830 300 810 120 640 120 Z';
const SIDE_FRINGE =
  'M 506 330 C 490 190 560 130 650 130 C 750 130 800 220 774 330 C 770 270 740 230 690 200 C 640 250 560 250 506 330 Z';
const SHORT_HAIR =
  'M 510 316 C 500 180 560 140 640 140 C 720 140 780 180 770 316 C 764 250 740 226 700 222 C 660 216 620 216 580 222 C 540 226 516 250 510 316 Z';
const FULL_BEARD =
  'M 514 340 C 516 470 580 500 640 500 C 700 500 764 470 766 340 C 750 400 720 390 690 384 Q 640 372 590 384 C 560 390 530 400 514 340 Z';
const BUN_AND_FRINGE =
  'M 508 316 C 496 190 560 140 640 140 C 720 140 784 190 772 316 C 760 240 720 214 640 214 C 560 214 520 240 508 316 Z M 580 128 a 60 54 0 1 1 120 0 a 60 54 0 1 1 -120 0 Z';

export const LOOKS = {
  amelie: {
    ...{ wall: '#e8c9a5', wallShade: '#a9754c', lamp: '#fff3d2', plant: [] },
    ...{ skin: '#f0c5a4', skinShade: '#d99f7b', hair: '#5a3a28', brows: '#5a3a28', eyes: '#3f5d4a' },
    ...{ cloth: '#2f6f73', clothShade: '#245558', back: LONG_HAIR_BACK, front: SIDE_FRINGE },
  },
  kofi: {
    ...{ wall: '#b9d3c4', wallShade: '#5d8a7c', lamp: '#f4ecc9', plant: [[935, 240, 0.3]] },
    ...{ skin: '#8a5a3c', skinShade: '#6d442c', hair: '#241a17', brows: '#241a17', eyes: '#2b1c14' },
    ...{ cloth: '#d98a3d', clothShade: '#b36c28', front: SHORT_HAIR, beard: FULL_BEARD },
  },
  nora: {
    ...{ wall: '#c3cbe6', wallShade: '#6a7399', lamp: '#fbe6d6', plant: [[920, 200, -0.2]] },
    ...{ skin: '#e3b08b', skinShade: '#c68c66', hair: '#8c3f26', brows: '#74331f', eyes: '#4a5a7a' },
    ...{ cloth: '#6d2b63', clothShade: '#54204c', front: BUN_AND_FRINGE, glasses: '#2a2a35' },
  },
};
