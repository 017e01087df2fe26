import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import encodeQR from 'qr';
import { SAFETY_ITERATIONS, compareScan, safetyNumber } from '../../src/engine/crypto/safety-number.ts';
import type { SafetyParty } from '../../src/engine/crypto/safety-number.ts';
import { Random } from '../helpers/random.ts';

const NO_PAUSE = async (): Promise<void> => undefined;
const party = (byte: number): SafetyParty => ({ signingKey: new Uint8Array(32).fill(byte) });
const ALICE = party(0xa1);
const BOB = party(0xb0);
const MALLORY = party(0x3a);

/** 30 digits of one key by another implementation of SHA-512 and with big integers. */
function halfOf({ signingKey }: SafetyParty): string {
  let hash = createHash('sha512').update('tai/1 safety number').update(signingKey).digest();
  for (let i = 0; i < 5200; i++) hash = createHash('sha512').update(hash).update(signingKey).digest();
  const groups = [0, 5, 10, 15, 20, 25].map((at) => BigInt(`0x${hash.toString('hex', at, at + 5)}`) % 100_000n);
  return groups.map((group) => group.toString().padStart(5, '0')).join('');
}

/** RFC 4648 §6 the slow way, for the QR code's text. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
}

describe('SN1: a safety number', () => {
  it('is 60 digits: of each key the 30 that another implementation has', async () => {
    const { digits } = await safetyNumber(ALICE, BOB);
    assert.equal(digits, [halfOf(ALICE), halfOf(BOB)].sort().join(''));
    assert.equal(digits, '355993808011823078758680247541999627684056287942319454373107');
    assert.match(digits, /^[0-9]{60}$/);
  });

  it('is the same on both sides, and for two pages of one device', async () => {
    const random = new Random(21);
    for (let i = 0; i < 4; i++) {
      const a = { signingKey: random.bytes(32) };
      const b = { signingKey: random.bytes(32) };
      const [ours, theirs, same] = await Promise.all([
        safetyNumber(a, b, NO_PAUSE),
        safetyNumber(b, a, NO_PAUSE),
        safetyNumber(a, a, NO_PAUSE),
      ]);
      assert.equal(ours.digits, theirs.digits);
      assert.equal(same.digits.slice(0, 30), same.digits.slice(30));
      assert.ok(ours.digits.includes(same.digits.slice(0, 30)));
    }
  });

  it('is another for a key that differs in one bit', async () => {
    const near = { signingKey: BOB.signingKey.with(31, 0xb1) };
    const [one, other] = await Promise.all([safetyNumber(ALICE, BOB, NO_PAUSE), safetyNumber(ALICE, near, NO_PAUSE)]);
    assert.notEqual(one.digits, other.digits);
    assert.notEqual(one.qr, other.qr);
  });

  it('looks at the signing key alone, so that a renewed certificate keeps it', async () => {
    const renewed = { signingKey: BOB.signingKey.slice(), dhKey: new Uint8Array(32).fill(1), expiryS: 99 };
    assert.deepEqual(await safetyNumber(ALICE, renewed, NO_PAUSE), await safetyNumber(ALICE, BOB, NO_PAUSE));
  });

  it('gives the page a turn after every 200 hashes of a device', async () => {
    const turns = (2 * SAFETY_ITERATIONS) / 200;
    const resume: (() => void)[] = [];
    const pause = (): Promise<void> => new Promise((resolve) => void resume.push(resolve));
    const number = safetyNumber(ALICE, BOB, pause);
    for (let turn = 0; turn < turns; turn++) {
      // one turn of either device at most, then nothing until it is let go on
      assert.ok(resume.length === 1 || resume.length === 2, `turn ${turn}: ${resume.length} wait`);
      resume.shift()?.();
      await new Promise(setImmediate);
    }
    assert.equal(resume.length, 0);
    assert.deepEqual(await number, await safetyNumber(ALICE, BOB));
  });
});

describe('SN1: the QR code', () => {
  it('says our key, then the peer’s, in base32', async () => {
    const { qr } = await safetyNumber(ALICE, BOB, NO_PAUSE);
    assert.equal(qr, `TAI-SAFETY:1:${base32(ALICE.signingKey)}:${base32(BOB.signingKey)}`);
    const random = new Random(22);
    for (let i = 0; i < 3; i++) {
      const a = { signingKey: random.bytes(32) };
      assert.ok((await safetyNumber(a, BOB, NO_PAUSE)).qr.includes(`:1:${base32(a.signingKey)}:`));
    }
  });

  it('stays in the alphanumeric set: 37 modules a side with medium error correction', async () => {
    const { qr } = await safetyNumber(ALICE, BOB, NO_PAUSE);
    assert.match(qr, /^[0-9A-Z $%*+\-./:]+$/);
    assert.equal(qr.length, 118);
    const size = encodeQR(qr, 'raw', { ecc: 'medium', border: 1 }).length;
    assert.equal(size - 2, 37);
    const base64 = `tai-safety:1:${'x'.repeat(43)}:${'x'.repeat(43)}`;
    assert.ok(encodeQR(base64, 'raw', { ecc: 'medium', border: 1 }).length > size);
  });
});

describe('SN1: a scanned text', async () => {
  const shownByBob = (await safetyNumber(BOB, ALICE, NO_PAUSE)).qr;
  const shownByAlice = (await safetyNumber(ALICE, BOB, NO_PAUSE)).qr;

  it('matches where the peer shows its own key first and ours second', () => {
    assert.equal(compareScan(ALICE, BOB, shownByBob), 'match');
    assert.equal(compareScan(BOB, ALICE, shownByAlice), 'match');
  });

  it('does not match when our own code is held up to us', () => {
    assert.equal(compareScan(ALICE, BOB, shownByAlice), 'mismatch');
  });

  it('does not match where somebody sits between: either side sees the key in the middle', async () => {
    const shownToMallory = (await safetyNumber(BOB, MALLORY, NO_PAUSE)).qr;
    assert.equal(compareScan(ALICE, MALLORY, shownToMallory), 'mismatch');
    assert.equal(compareScan(ALICE, BOB, shownToMallory), 'mismatch');
    assert.equal(compareScan(ALICE, MALLORY, shownByBob), 'mismatch');
  });

  it('of another person is a mismatch, not unreadable', async () => {
    const shownByMallory = (await safetyNumber(MALLORY, ALICE, NO_PAUSE)).qr;
    assert.equal(compareScan(ALICE, BOB, shownByMallory), 'mismatch');
  });

  it('does not match with any bit of either key changed', () => {
    for (let bit = 0; bit < 256; bit++) {
      const flip = ({ signingKey }: SafetyParty): SafetyParty => ({
        signingKey: signingKey.with(bit >> 3, signingKey[bit >> 3]! ^ (1 << (bit & 7))),
      });
      assert.equal(compareScan(ALICE, flip(BOB), shownByBob), 'mismatch');
      assert.equal(compareScan(flip(ALICE), BOB, shownByBob), 'mismatch');
    }
  });

  it('that is not exactly of this kind is unreadable', () => {
    const texts = [
      '',
      'https://example.com/',
      shownByBob.toLowerCase(),
      ` ${shownByBob}`,
      `${shownByBob}\n`,
      `${shownByBob}\n${shownByBob}`,
      `${shownByBob}:`,
      shownByBob.slice(0, -1),
      shownByBob.replace(':1:', ':2:'),
      shownByBob.replace('TAI', 'TAY'),
      // bits after the 256th
      `${shownByBob.slice(0, -1)}B`,
      shownByBob.replace(/.$/, '='),
    ];
    for (const text of texts) assert.equal(compareScan(ALICE, BOB, text), 'unreadable', JSON.stringify(text));
    for (let length = 0; length < shownByBob.length; length++) {
      assert.equal(compareScan(ALICE, BOB, shownByBob.slice(0, length)), 'unreadable');
    }
  });

  it('fuzz: matches only where it is exactly the text that the peer shows', () => {
    const random = new Random(23);
    const characters = [...'ABQZ27018:-/=a \n', ''];
    let mismatches = 0;
    for (let i = 0; i < 20_000; i++) {
      const at = random.below(shownByBob.length);
      const changed = shownByBob.slice(0, at) + random.pick(characters) + shownByBob.slice(at + 1);
      const result = compareScan(ALICE, BOB, changed);
      assert.equal(result === 'match', changed === shownByBob, changed);
      if (result === 'mismatch') mismatches += 1;
    }
    assert.ok(mismatches > 1000, `${mismatches} were readable`);
  });
});
