import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withoutUnofferedFormats } from '../../src/engine/protocol/payload-types.ts';
import { Random } from '../helpers/random.ts';

const HEAD = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE 0 1'];
const AUDIO = ['m=audio 9 UDP/TLS/RTP/SAVPF 109', 'a=mid:0', 'a=rtpmap:109 opus/48000/2', 'a=fmtp:109 stereo=1'];
const VIDEO = ['m=video 0 UDP/TLS/RTP/SAVPF 120 124', 'a=mid:1', 'a=rtpmap:120 VP8/90000', 'a=rtcp-fb:120 nack pli'];
const DATA = ['m=application 0 UDP/DTLS/SCTP webrtc-datachannel', 'a=sctp-port:5000'];

const sdp = (...lines: readonly string[]): string => lines.map((line) => `${line}\r\n`).join('');

describe('attributes of payload types that are not offered', () => {
  it('go, each judged by its own m-line', () => {
    const gone = ['a=rtcp-fb:121 nack', 'a=rtcp-fb:99 ccm fir', 'a=fmtp:12 apt=120', 'a=rtpmap:109 opus/48000/2'];
    const text = sdp(...HEAD, ...AUDIO, 'a=rtpmap:120 VP8/90000', ...VIDEO, ...gone, ...DATA);
    assert.equal(withoutUnofferedFormats(text), sdp(...HEAD, ...AUDIO, ...VIDEO, ...DATA));
  });

  it('are those of numbers alone: what counts for all of them stays', () => {
    const text = sdp(...HEAD, ...VIDEO, 'a=rtcp-fb:* transport-cc', 'a=rtcp-mux', 'a=rtpmap: 7 x', 'a=rtpmaps:7 x');
    assert.equal(withoutUnofferedFormats(text), text);
  });

  it('stay before the first m-line, where nothing says what is offered', () => {
    const text = sdp(...HEAD, 'a=rtpmap:7 x', ...AUDIO);
    assert.equal(withoutUnofferedFormats(text), text);
  });

  it('are looked for in any text: the rest of it comes back as it was', () => {
    const random = new Random(20_261_127);
    const all = [...HEAD, ...AUDIO, ...VIDEO, ...DATA];
    for (let i = 0; i < 500; i++) {
      const lines = Array.from({ length: random.below(30) }, () => {
        const line = all[random.below(all.length)] ?? '';
        return random.below(4) === 0 ? line.slice(random.below(line.length + 1)) : line;
      });
      const end = ['\r\n', '\n', ''][random.below(3)] ?? '';
      const kept = withoutUnofferedFormats(lines.join(end));
      assert.equal(withoutUnofferedFormats(kept), kept);
      const isAttribute = (line: string): boolean => /^a=(rtpmap|rtcp-fb|fmtp):/.test(line);
      const others = (text: string): string[] => text.split(/\r?\n/).filter((line) => !isAttribute(line));
      assert.deepEqual(others(kept).join('\n').trim(), others(lines.join(end)).join('\n').trim());
    }
  });
});
