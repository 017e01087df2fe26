/** The published vectors and the signatures that implementations disagree on, in the browsers' own WebCrypto and in noble. */
import { createProvider } from '../../src/engine/crypto/provider.ts';
import { asciiBytes } from '../../src/engine/protocol/bytes.ts';
import { EDGE_COUNTS, edgeSignatures } from '../helpers/edge-signatures.ts';
import { native, noble } from '../helpers/implementations.ts';
import type { Implementation } from '../helpers/implementations.ts';
import { EXPECTED, VECTOR_FILES, runVectors } from '../helpers/wycheproof.ts';
import type { VectorName } from '../helpers/wycheproof.ts';
import { equal, ok, same } from './assert.ts';

/** Noble in a loaded machine. */
const RUN_TIMEOUT_MS = 60_000;
const isFirefox = navigator.userAgent.includes('Firefox');
const hasNativeKem = 'encapsulateBits' in crypto.subtle;

/** `undefined` where the vectors are not beside the project. */
async function textOf(name: VectorName): Promise<string | undefined> {
  const response = await fetch(`/__vectors/wycheproof/${VECTOR_FILES[name]}`);
  return response.ok ? response.text() : undefined;
}

function runsOn(implementation: Implementation, names: readonly VectorName[]): void {
  for (const name of names) {
    it(`pass: ${name}`, async function () {
      this.timeout(RUN_TIMEOUT_MS);
      const text = await textOf(name);
      if (text === undefined) this.skip();
      else same(await runVectors(name, text, implementation), EXPECTED[name]);
    });
  }
}

describe("Wycheproof's vectors on the browser's WebCrypto", () => {
  runsOn(native, ['x25519', 'ed25519', 'aesGcm', ...(hasNativeKem ? (['mlKem768'] as const) : [])]);

  it('are run for ML-KEM too, but in Firefox, which does not have it', async () => {
    ok(hasNativeKem || isFirefox, 'this browser has lost ML-KEM');
    const refusal = await native.provider.generateKem().then(
      () => 'made',
      (error: Error) => error.message,
    );
    equal(refusal, hasNativeKem ? 'made' : 'ML-KEM-768: not in this WebCrypto');
  });
});

describe("Wycheproof's vectors on noble, in the browser", () => {
  runsOn(noble, ['x25519', 'ed25519', 'hkdfSha256', 'hkdfSha512', 'mlKem768']);
});

describe('the signatures that implementations disagree on', () => {
  const signatures = edgeSignatures();
  const total = Object.values(EDGE_COUNTS).reduce((sum, count) => sum + count, 0);

  for (const [name, { provider }] of Object.entries({ native, noble })) {
    it(`have the verdict we ask for: ${name}`, async () => {
      const verdicts: [string, boolean][] = [];
      for (const { name, publicKey, message, signature } of signatures) {
        verdicts.push([name, await provider.verify(publicKey, message, signature)]);
      }
      equal(verdicts.length, total);
      same(
        verdicts,
        signatures.map(({ name, isSigned }) => [name, isSigned]),
      );
    });
  }

  it('include some that WebCrypto alone takes: the checks before it are needed', async () => {
    const taken = new Set<string>();
    for (const { name, publicKey, message, signature, isSigned } of signatures) {
      if (!isSigned && (await isTakenByWebCrypto(publicKey, message, signature))) taken.add(name.replace(/ \d+$/, ''));
    }
    same([...taken], ['key of small order', 'R of small order']);
  });
});

describe('createProvider in a browser', () => {
  it('makes a provider that works with noble in everything, both ways', async () => {
    const chosen = await createProvider();
    const message = asciiBytes('a message');
    for (const [a, b] of [
      [chosen, noble.provider],
      [noble.provider, chosen],
    ] as const) {
      const [signer, dh, otherDh, kem] = await Promise.all([
        a.generateSigner(),
        a.generateDh(),
        b.generateDh(),
        a.generateKem(),
      ]);
      ok(await b.verify(signer.publicKey, message, await signer.sign(message)), 'not verified');
      const secret = await dh.agree(otherDh.publicKey);
      equal(secret?.length, 32);
      same(await otherDh.agree(dh.publicKey), secret);
      const encapsulated = await b.encapsulate(kem.publicKey);
      equal(encapsulated?.secret.length, 32);
      same(encapsulated && (await kem.decapsulate(encapsulated.ciphertext)), encapsulated?.secret);
    }
  });

  it('takes from WebCrypto what this browser has', async () => {
    const asked: string[] = [];
    const { subtle } = crypto;
    const watched = new Proxy(subtle, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (name === 'generateKey') asked.push(String(args[0]));
          return value.apply(target, args);
        };
      },
    });
    const provider = await createProvider(watched);
    asked.length = 0;
    await Promise.all([provider.generateSigner(), provider.generateDh(), provider.generateKem()]);
    same(asked.sort(), ['Ed25519', ...(hasNativeKem ? ['ML-KEM-768'] : []), 'X25519']);
  });
});

async function isTakenByWebCrypto(
  publicKey: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', key, signature, message);
  } catch {
    return false;
  }
}
