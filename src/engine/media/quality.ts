/**
 * What one camera may cost a peer, by the number of peers that share our uplink: every one of them gets an encoding of
 * its own in a mesh. Totals stay near 2 Mb/s.
 */
export type CameraEncoding = {
  readonly maxBitrate: number;
  readonly maxFramerate: number;
  readonly scaleResolutionDownBy: number;
};

/** Bits and frames a second; `scaleResolutionDownBy` counts from a 720p camera. */
export function cameraEncoding(audienceSize: number): CameraEncoding {
  if (audienceSize <= 1) return { maxBitrate: 1_700_000, maxFramerate: 30, scaleResolutionDownBy: 1 };
  if (audienceSize <= 3) return { maxBitrate: 650_000, maxFramerate: 30, scaleResolutionDownBy: 2 };
  return { maxBitrate: 350_000, maxFramerate: 24, scaleResolutionDownBy: 3 };
}
