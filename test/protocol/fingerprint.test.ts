import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DTLS_FINGERPRINT_BYTES, sdpFingerprint } from '../../src/engine/protocol/fingerprint.ts';
import { Random } from '../helpers/random.ts';

const BYTES = Uint8Array.from({ length: 32 }, (_, i) => i * 8);
const VALUE = colons(BYTES);
const OTHER = colons(BYTES.map((byte) => byte ^ 1));
const LINE = `a=fingerprint:sha-256 ${VALUE}`;

function colons(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
}

/** A description with one m-line for each of these, each with the lines that it names. */
function sdp(...parts: readonly (readonly string[])[]): string {
  const media = parts.map((lines, i) => [`m=audio 9 UDP/TLS/RTP/SAVPF ${i}`, ...lines]);
  return `${['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', ...media.flat()].join('\r\n')}\r\n`;
}

function assertNone(text: string): void {
  assert.equal(sdpFingerprint(text), undefined, text);
}

describe('HS8: the fingerprint of a description', () => {
  it('is the one that every m-line names', () => {
    assert.deepEqual(sdpFingerprint(sdp([LINE], [LINE], [LINE])), BYTES);
    assert.equal(DTLS_FINGERPRINT_BYTES, 32);
  });

  it('may stand for the session, before any m-line', () => {
    assert.deepEqual(sdpFingerprint(`v=0\r\n${LINE}\r\nm=audio 9 RTP 0\r\n`), BYTES);
  });

  it('is read in either case, with blanks behind it, and with any end of a line', () => {
    for (const line of [LINE.toLowerCase(), LINE.toUpperCase(), `${LINE} `, `${LINE}\t`]) {
      assert.deepEqual(sdpFingerprint(sdp([line])), BYTES);
    }
    for (const end of ['\r\n', '\n', '\r']) assert.deepEqual(sdpFingerprint(['v=0', LINE, ''].join(end)), BYTES);
    assert.deepEqual(sdpFingerprint(LINE), BYTES);
  });

  it('is none where there is no line of it', () => {
    for (const text of ['', 'v=0\r\n', sdp([]), `a=fingerprints:sha-256 ${VALUE}`, `b=fingerprint:sha-256 ${VALUE}`]) {
      assertNone(text);
    }
  });

  it('is none where a second one is named: in the same m-line, in another, or for the session', () => {
    const second = `a=fingerprint:sha-256 ${OTHER}`;
    assertNone(sdp([LINE, second]));
    assertNone(sdp([second, LINE]));
    assertNone(sdp([LINE], [second]));
    assertNone(sdp([LINE], [LINE], [second]));
    assertNone(`v=0\r\n${second}\r\nm=audio 9 RTP 0\r\n${LINE}\r\n`);
    for (const end of ['\n', '\r', '\r\n']) assertNone(`${LINE}${end}${second}`);
  });

  it('is none where any hash but SHA-256 is named, alone or beside it', () => {
    const short = colons(BYTES.slice(0, 20));
    for (const name of ['sha-1', 'sha-224', 'sha-384', 'sha-512', 'md5', 'md2', 'sha256', 'sha-2566', 'token']) {
      for (const value of [VALUE, short]) {
        assertNone(sdp([`a=fingerprint:${name} ${value}`]));
        assertNone(sdp([LINE, `a=fingerprint:${name} ${value}`]));
      }
    }
  });

  it('is none where a line of it is broken, though another one is good', () => {
    for (const broken of [
      'a=fingerprint',
      'a=fingerprint:',
      'a=fingerprint ',
      'a=fingerprint:sha-256',
      'a=fingerprint:sha-256 ',
      `a=fingerprint :sha-256 ${VALUE}`,
      `a=fingerprint: sha-256 ${VALUE}`,
      `a=fingerprint:sha-256  ${VALUE}`,
      `a=fingerprint:sha-256\t${VALUE}`,
      `a=fingerprint:sha-256 ${VALUE}:00`,
      `a=fingerprint:sha-256 ${VALUE.slice(0, -3)}`,
      `a=fingerprint:sha-256 ${VALUE.slice(0, -1)}`,
      `a=fingerprint:sha-256 ${VALUE.replaceAll(':', '')}`,
      `a=fingerprint:sha-256 ${VALUE.replaceAll(':', '-')}`,
      `a=fingerprint:sha-256 ${VALUE.replace('00', '0g')}`,
      `a=fingerprint:sha-256 ${VALUE} ${OTHER}`,
      `a=fingerprint:sha-256 ${VALUE};x`,
      `A=FINGERPRINT:sha-1 ${VALUE}`,
    ]) {
      assertNone(sdp([broken]));
      assertNone(sdp([LINE, broken]));
      assertNone(sdp([broken], [LINE]));
    }
  });

  it('is never another than the one that stands there: seeded changes of a good description', () => {
    const good = sdp([LINE, 'a=setup:actpass'], [LINE]);
    const random = new Random(20_270);
    let taken = 0;
    for (let i = 0; i < 5_000; i++) {
      const at = random.below(good.length);
      const put = random.chance(0.5) ? String.fromCharCode(random.below(128)) : '';
      const changed = good.slice(0, at) + put + good.slice(at + random.below(3));
      const found = sdpFingerprint(changed);
      if (!found) continue;
      taken++;
      // whatever was changed, no m-line that a browser would read names another one
      assert.deepEqual(found, BYTES, changed);
    }
    assert.ok(taken > 1_000 && taken < 5_000, `${taken} were taken`);
  });

  it('takes no longer for a long text: it is looked at once', () => {
    const text = sdp(Array.from({ length: 20_000 }, () => `a=fingerprint:sha-256 ${' '.repeat(60)}`));
    assertNone(text);
    assertNone(sdp([`a=fingerprint:sha-256 ${VALUE}${' '.repeat(200_000)}x`]));
  });
});
