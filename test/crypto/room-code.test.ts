import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { EMOJI } from '../../src/engine/crypto/emoji.ts';
import { CODE_NONCE_BYTES, commitment, roomCode } from '../../src/engine/crypto/room-code.ts';
import type { RoomCode } from '../../src/engine/crypto/room-code.ts';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import type { Bytes } from '../../src/engine/protocol/bytes.ts';
import { idBytes } from '../../src/engine/protocol/ids.ts';
import type { PeerId } from '../../src/engine/protocol/ids.ts';
import { Random } from '../helpers/random.ts';
import { ALICE, BOB, CAROL } from '../helpers/samples.ts';

const ROSTER = new Uint8Array(32).fill(0x40);
const ROUND = 0x01020304;
const nonce = (byte: number): Bytes => new Uint8Array(CODE_NONCE_BYTES).fill(byte);
const REVEALS: readonly (readonly [PeerId, Bytes])[] = [
  [ALICE, nonce(1)],
  [BOB, nonce(2)],
  [CAROL, nonce(3)],
];

function spoken({ emoji, digits }: RoomCode): string {
  return `${emoji.map(({ name }) => name).join(' ')} ${digits}`;
}

/** How many insertions, deletions and replacements lead from one text to the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

describe('RC1: a commitment', () => {
  it('is SHA-256 of label, roster, round, peer and nonce, as another implementation has it', () => {
    const hash = createHash('sha256')
      .update('tai/1 code commitment')
      .update(ROSTER)
      .update(Uint8Array.of(1, 2, 3, 4))
      .update(idBytes(BOB))
      .update(nonce(2));
    assert.equal(toHex(commitment(ROSTER, ROUND, BOB, nonce(2))), hash.digest('hex'));
  });

  it('is another for another roster, round, peer or nonce', () => {
    const all = [
      commitment(ROSTER, ROUND, ALICE, nonce(1)),
      commitment(ROSTER.with(0, 0), ROUND, ALICE, nonce(1)),
      commitment(ROSTER, ROUND + 1, ALICE, nonce(1)),
      commitment(ROSTER, ROUND, BOB, nonce(1)),
      commitment(ROSTER, ROUND, ALICE, nonce(1).with(31, 0)),
    ];
    assert.equal(new Set(all.map(toHex)).size, all.length);
  });
});

describe('RC3: a room code', () => {
  it('is six emoji and 30 digits of SHA-512, as another implementation has it', () => {
    const hash = createHash('sha512')
      .update('tai/1 code value')
      .update(ROSTER)
      .update(Uint8Array.of(1, 2, 3, 4));
    for (const [peerId, bytes] of REVEALS) hash.update(idBytes(peerId)).update(bytes);
    const bytes = hash.digest();
    const code = roomCode(ROSTER, ROUND, new Map(REVEALS));
    assert.deepEqual(
      code.emoji,
      [...bytes.subarray(0, 6)].map((byte) => EMOJI[byte & 63]),
    );
    const groups = [6, 11, 16, 21, 26, 31].map((at) => BigInt(`0x${bytes.toString('hex', at, at + 5)}`) % 100_000n);
    assert.equal(code.digits, groups.map((group) => group.toString().padStart(5, '0')).join(''));
    assert.equal(spoken(code), 'turtle volcano penguin elephant mushroom sailboat 323522585030424064481909018015');
  });

  it('does not depend on the order in which the nonces came', () => {
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    const codes = orders.map((order) => spoken(roomCode(ROSTER, ROUND, new Map(order.map((i) => REVEALS[i]!)))));
    assert.equal(new Set(codes).size, 1);
  });

  it('is another for another roster or round, for any nonce, and where two have exchanged theirs', () => {
    const codes = [
      roomCode(ROSTER, ROUND, new Map(REVEALS)),
      roomCode(ROSTER.with(5, 0), ROUND, new Map(REVEALS)),
      roomCode(ROSTER, ROUND + 1, new Map(REVEALS)),
      roomCode(ROSTER, ROUND, new Map(REVEALS.slice(1))),
      ...REVEALS.map(([peerId]) => roomCode(ROSTER, ROUND, new Map(REVEALS).set(peerId, nonce(9)))),
      roomCode(ROSTER, ROUND, new Map(REVEALS).set(ALICE, nonce(2)).set(BOB, nonce(1))),
    ];
    assert.equal(new Set(codes.map(({ digits }) => digits)).size, codes.length);
    assert.equal(new Set(codes.map(({ emoji }) => emoji.map(({ name }) => name).join())).size, codes.length);
  });

  it('shows every emoji in every place, and every digit, about equally often', () => {
    const random = new Random(31);
    const emoji = Array.from({ length: 6 }, () => new Map<string, number>());
    const digits = new Map<string, number>();
    const draws = 12_800;
    for (let i = 0; i < draws; i++) {
      const code = roomCode(random.bytes(32), i, new Map([[ALICE, random.bytes(32)]]));
      for (const [place, { name }] of code.emoji.entries()) emoji[place]!.set(name, (emoji[place]!.get(name) ?? 0) + 1);
      for (const digit of code.digits) digits.set(digit, (digits.get(digit) ?? 0) + 1);
    }
    // 200 expected each; six standard deviations either way
    for (const place of emoji) {
      assert.equal(place.size, 64);
      for (const count of place.values()) assert.ok(count > 115 && count < 285, `${count}`);
    }
    // 38,400 expected each, standard deviation 186
    assert.equal(digits.size, 10);
    for (const count of digits.values()) assert.ok(Math.abs(count - (draws * 30) / 10) < 1200, `${count}`);
  });
});

describe('the table of emoji', () => {
  it('has 64 of one code point each, shown in colour by itself, in Unicode since 2016', () => {
    assert.equal(EMOJI.length, 64);
    assert.equal(new Set(EMOJI.map(({ symbol }) => symbol)).size, 64);
    // what came with Unicode 9 (2016) is the newest of these
    const since2016 = ['🦋', '🦉', '🥕', '🥁'];
    for (const { symbol } of EMOJI) {
      assert.match(symbol, /^\p{Emoji_Presentation}$/u);
      const isOlder = symbol.codePointAt(0)! < 0x1f940 && !/[\u{1f57a}\u{1f5a4}\u{1f6d1}-\u{1f6ff}]/u.test(symbol);
      const isOfUnicode8 = /[\u{1f980}-\u{1f984}\u{1f910}-\u{1f918}\u{1f9c0}]/u.test(symbol);
      assert.ok(since2016.includes(symbol) || isOlder || isOfUnicode8, symbol);
    }
  });

  it('has a short name for each, in lower case, and no two that are nearly the same', () => {
    for (const [i, { name }] of EMOJI.entries()) {
      assert.match(name, /^[a-z]+( [a-z]+)?$/);
      assert.ok(name.length <= 10, name);
      for (const { name: other } of EMOJI.slice(i + 1)) {
        assert.ok(distance(name, other) >= 2, `${name}, ${other}`);
        assert.ok(!name.includes(other) && !other.includes(name), `${name}, ${other}`);
        assert.notEqual(name.slice(0, 4), other.slice(0, 4));
        // no rhymes: the last three letters differ
        assert.notEqual(name.slice(-3), other.slice(-3));
      }
    }
  });

  it('is the one that all versions share: another table gives other codes', () => {
    const table = EMOJI.map(({ symbol, name }) => `${symbol} ${name}`).join('\n');
    assert.equal(
      createHash('sha256').update(table).digest('hex'),
      '4a1255afeacd06b0c1c20ffb17985b1c1d36775745378a6bccf0691f500d6754',
    );
  });
});
