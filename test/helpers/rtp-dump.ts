/**
 * Chromium's own dump of every RTP packet as it is before SRTP (libwebrtc's field trial `WebRTC-Debugging-RtpDump`): hexadecimal
 * lines in its log. What is in it is what a server at the end of the transport, an SFU, gets to see.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type RtpDump = {
  /** For the launch of the browser. */
  readonly chromiumArguments: readonly string[];
  /** Packets that the browser has sent so far, in plain. */
  sent(): readonly Buffer[];
  remove(): void;
};

export function makeRtpDump(): RtpDump {
  const folder = mkdtempSync(join(tmpdir(), 'tai-rtp-'));
  const file = join(folder, 'log');
  return {
    chromiumArguments: [
      '--enable-logging',
      `--log-file=${file}`,
      '--vmodule=srtp_session=9',
      '--force-fieldtrials=WebRTC-Debugging-RtpDump/Enabled/',
    ],
    sent: () => {
      const text = existsSync(file) ? readFileSync(file, 'latin1') : '';
      // `O 12:34:56.789000 000000 80 e0 … # RTP_DUMP`
      const lines = text.matchAll(/\bO \d\d:\d\d:\d\d\.\d+ 0+ ((?:[0-9a-f]{2} ?)+)\s*# ?RTP_DUMP/gi);
      return [...lines].map(([, bytes = '']) => Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
