/**
 * Chromium's own dump of every RTP packet as it is before SRTP (libwebrtc's field trial `WebRTC-Debugging-RtpDump`): hexadecimal
 * lines in its log. What is in it is what a server at the end of the transport, an SFU, gets to see.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserPath } from './browsers.ts';

export type RtpDump = {
  /** For the launch of the browser. */
  readonly chromiumPath: string;
  readonly chromiumArguments: readonly string[];
  /** Packets that the browser has sent so far, in plain. */
  sent(): readonly Buffer[];
  remove(): void;
};

export function makeRtpDump(): RtpDump {
  const folder = mkdtempSync(join(tmpdir(), 'tai-rtp-'));
  const log = join(folder, 'log');
  // Pages are processes of their own, whose log goes to their standard error and nowhere else.
  const chromiumPath = join(folder, 'chromium');
  writeFileSync(chromiumPath, `#!/bin/sh\nexec "${browserPath('chromium')}" "$@" 2>>"${log}"\n`);
  chmodSync(chromiumPath, 0o755);
  return {
    chromiumPath,
    chromiumArguments: [
      '--enable-logging=stderr',
      '--vmodule=*/webrtc/*=9,*srtp*=9',
      '--force-fieldtrials=WebRTC-Debugging-RtpDump/Enabled/',
    ],
    sent: () => {
      const text = existsSync(log) ? readFileSync(log, 'latin1') : '';
      // `O 12:34:56.789 0000 80 e0 … # RTP_DUMP`
      const lines = text.matchAll(/\bO \d\d:\d\d:\d\d\.\d+ 0+ ((?:[0-9a-f]{2} )+)# RTP_DUMP/gi);
      return [...lines].map(([, bytes = '']) => Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
