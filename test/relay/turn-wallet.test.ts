/** TU7: signatures of wallets, by published values and by those of the test's own keys. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { checksummed, isSignedByWallet } from '../../relay-worker/turn-wallet.ts';
import { asciiBytes, concatBytes, fromHex, toHex } from '../../src/engine/protocol/bytes.ts';
import { Random } from '../helpers/random.ts';
import { SUI_SCHEMES, base64, ethereumWallet, suiWallet } from '../helpers/wallets.ts';

const SUI_VECTORS = fileURLToPath(
  new URL('../../../shared/vectors/sui/sui-personal-message.generated.json', import.meta.url),
);
const HARDHAT_ACCOUNT = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const secret = new Random(21).bytes(32);

describe('TU7: a signature of an Ethereum account (EIP-191)', () => {
  const published = [
    // viem.sh, “signMessage”: account 0 of every development node
    {
      address: HARDHAT_ACCOUNT,
      text: 'hello world',
      signature:
        '0xa461f509887bd19e312c0c58467ce8ff8e300d3c1a90b608a760c5b80318eaf15fe57c96f9175d6cd4daad4663763baa7e78836e067d0163e9a2ccf2ff753f5b1b',
    },
    // web3.js, “eth.accounts.sign”
    {
      address: '0x2c7536E3605D9C16a7a3D7b1898e529396a65c23',
      text: 'Some data',
      signature:
        '0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c',
    },
  ];

  it('is known by the published values, and by no other address or text', () => {
    for (const { address, text, signature } of published) {
      assert.equal(isSignedByWallet({ chain: 'ethereum', address }, text, signature), true, text);
      assert.equal(isSignedByWallet({ chain: 'ethereum', address: address.toLowerCase() }, text, signature), true);
      assert.equal(isSignedByWallet({ chain: 'ethereum', address }, `${text} `, signature), false);
      assert.equal(isSignedByWallet({ chain: 'ethereum', address: `0x${'0'.repeat(40)}` }, text, signature), false);
    }
  });

  it('has one spelling: a high s, another recovery, another length or another prefix are refused', () => {
    const wallet = ethereumWallet(secret);
    const good = wallet.sign('text');
    assert.equal(isSignedByWallet(wallet, 'text', good), true);
    const bytes = fromHex(good.slice(2)) ?? new Uint8Array();
    const withLast = (last: number): string => `0x${toHex(bytes.subarray(0, 64))}${toHex(Uint8Array.of(last))}`;
    const v = bytes[64] ?? 0;
    // as hardware wallets write it
    assert.equal(isSignedByWallet(wallet, 'text', withLast(v - 27)), true);
    const order = secp256k1.Point.Fn.ORDER;
    const s = BigInt(`0x${toHex(bytes.subarray(32, 64))}`);
    const high = `0x${toHex(bytes.subarray(0, 32))}${(order - s).toString(16).padStart(64, '0')}${toHex(Uint8Array.of(55 - v))}`;
    const bad = [
      high,
      withLast(55 - v),
      withLast(29),
      withLast(2),
      withLast(255),
      good.slice(2),
      `${good}00`,
      `0X${good.slice(2)}`,
      '0x',
      '',
    ];
    for (const signature of bad) assert.equal(isSignedByWallet(wallet, 'text', signature), false, signature);
  });

  it('is of an address in the letters of ERC-55', () => {
    // the ERC's own list
    const listed = [
      '0x52908400098527886E0F7030069857D2E4169EE7',
      '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
      '0xde709f2102306220921060314715629080e2fb77',
      '0x27b1fdb04752bbc536007a920d24acb045561c26',
      '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
      '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
      '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
    ];
    for (const address of listed) {
      assert.equal(checksummed(address.toLowerCase()), address);
      assert.equal(checksummed(`0x${address.slice(2).toUpperCase()}`), address);
    }
  });
});

describe('TU7: a signature of a Sui account', () => {
  const isThere = existsSync(SUI_VECTORS);

  it(
    'is known by what @mysten/sui makes, in all three schemes',
    { skip: !isThere && 'no vectors beside the checkout' },
    () => {
      const { vectors } = JSON.parse(readFileSync(SUI_VECTORS, 'utf8')) as {
        vectors: { scheme: string; address: string; message: string; signature: string }[];
      };
      const schemes = new Set(vectors.map(({ scheme }) => scheme.toLowerCase()));
      assert.deepEqual([...schemes].sort(), SUI_SCHEMES.map((scheme) => scheme.toLowerCase()).sort());
      assert.ok(vectors.length >= 12);
      for (const { scheme, address, message, signature } of vectors) {
        assert.equal(isSignedByWallet({ chain: 'sui', address }, message, signature), true, `${scheme}: ${message}`);
        assert.equal(isSignedByWallet({ chain: 'sui', address }, `${message}.`, signature), false);
        for (const other of vectors) {
          const isSame = other.address === address;
          assert.equal(isSignedByWallet({ chain: 'sui', address: other.address }, message, signature), isSame);
        }
      }
    },
  );

  for (const scheme of SUI_SCHEMES) {
    it(`${scheme}: is refused where one byte of it is another`, () => {
      const wallet = suiWallet(scheme, secret);
      const good = wallet.sign('text');
      assert.equal(isSignedByWallet(wallet, 'text', good), true);
      const bytes = Buffer.from(good, 'base64');
      for (let at = 0; at < bytes.length; at++) {
        const other = Uint8Array.from(bytes);
        other[at] = (other[at] ?? 0) ^ 1;
        assert.equal(isSignedByWallet(wallet, 'text', base64(other)), false, `byte ${at}`);
      }
      const short = base64(bytes.subarray(0, -1));
      for (const bad of [
        short,
        base64(Buffer.concat([bytes, Buffer.of(0)])),
        good.replaceAll('=', ''),
        `${good} `,
        '',
      ]) {
        assert.equal(isSignedByWallet(wallet, 'text', bad), false, bad);
      }
    });
  }

  it('has one spelling: a high s is refused on both curves', () => {
    for (const [scheme, curve] of [
      ['Secp256k1', secp256k1],
      ['Secp256r1', p256],
    ] as const) {
      const wallet = suiWallet(scheme, secret);
      const bytes = Buffer.from(wallet.sign('text'), 'base64');
      const s = BigInt(`0x${toHex(bytes.subarray(33, 65))}`);
      const high = Buffer.from((curve.Point.Fn.ORDER - s).toString(16).padStart(64, '0'), 'hex');
      const other = base64(Buffer.concat([bytes.subarray(0, 33), high, bytes.subarray(65)]));
      assert.equal(isSignedByWallet(wallet, 'text', other), false, scheme);
    }
  });

  it('of multisig, zkLogin, passkeys and what is to come is refused', () => {
    const wallet = suiWallet('Ed25519', secret);
    const bytes = Buffer.from(wallet.sign('text'), 'base64');
    for (let flag = 3; flag < 256; flag++) {
      bytes[0] = flag;
      assert.equal(isSignedByWallet(wallet, 'text', base64(bytes)), false, `flag ${flag}`);
    }
  });

  it('by a key of small order, which signs anything, is refused', () => {
    // the neutral point: R = s·B − k·A holds for every message with R = B·0 and s = 0
    const key = new Uint8Array(32);
    key[0] = 1;
    const forged = Buffer.concat([Buffer.of(0), key, new Uint8Array(32), key]);
    const address = `0x${toHex(blake2b(concatBytes(Uint8Array.of(0), key), { dkLen: 32 }))}`;
    assert.equal(isSignedByWallet({ chain: 'sui', address }, 'text', base64(forged)), false);
    assert.ok(ed25519.verify(forged.subarray(1, 65), asciiBytes('anything'), key), 'laxer verifiers take it');
  });
});

describe('signatures', () => {
  it('of noise are refused, and nothing is thrown', () => {
    const random = new Random(77);
    const wallets = [ethereumWallet(secret), ...SUI_SCHEMES.map((scheme) => suiWallet(scheme, secret))];
    let refused = 0;
    for (let i = 0; i < 2_000; i++) {
      const wallet = random.pick(wallets);
      const length = random.pick([65, 97, 98, random.below(120)]);
      const bytes = random.bytes(length);
      if (random.chance(0.7)) bytes[0] = random.below(3);
      const signature = random.chance(0.5) ? `0x${toHex(bytes)}` : base64(bytes);
      if (!isSignedByWallet(wallet, 'text', signature)) refused++;
    }
    assert.equal(refused, 2_000);
  });
});
