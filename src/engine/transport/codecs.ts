/** Which codecs a place may use: those whose frames can be sealed so that the browsers' packetizers still carry them. */
import { frameCodecOf } from '../protocol/frame-codec.ts';

/** What carries or repairs packets, and never sees a frame. */
const PACKET_FORMATS = ['video/rtx', 'video/red', 'video/ulpfec', 'video/flexfec-03'];

/** What this browser can receive of a medium and we can open, in its own order; empty where it does not tell. */
export function sealableCodecs(medium: 'audio' | 'video'): RTCRtpCodec[] {
  if (typeof RTCRtpReceiver !== 'function') return [];
  const { codecs = [] } = RTCRtpReceiver.getCapabilities?.(medium) ?? {};
  return codecs.filter(
    ({ mimeType }) => frameCodecOf(mimeType) !== undefined || PACKET_FORMATS.includes(mimeType.toLowerCase()),
  );
}
