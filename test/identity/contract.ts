/** What every identity has to do, guest or device, in memory or in storage; run in Node and in browsers. */
import type { CertificateKind, DeviceKeys } from '../../src/engine/crypto/certificate.ts';
import { openCertificate } from '../../src/engine/crypto/certificate.ts';
import type { Provider } from '../../src/engine/crypto/provider.ts';
import { openRevocation, openRotation } from '../../src/engine/crypto/statement.ts';
import type { IdentityProvider } from '../../src/engine/identity/identity.ts';
import { toHex } from '../../src/engine/protocol/bytes.ts';
import { equal, ok, same } from '../components/assert.ts';
import { ROOM } from '../helpers/samples.ts';

export const NOW_S = 1_800_000_000;
const HOUR_S = 3_600;

export type It = (name: string, run: () => Promise<void>) => unknown;

export type IdentityCase = {
  readonly provider: Provider;
  readonly kind: CertificateKind;
  readonly lifeS: number;
  /** How long a certificate is used. */
  readonly useS: number;
  readonly isKept: boolean;
  /** One that nobody has opened before. */
  create(): IdentityProvider;
};

export function hexOf({ certificate }: DeviceKeys): string {
  return toHex(certificate.bytes);
}

export function deviceOf({ certificate }: Pick<DeviceKeys, 'certificate'>): string {
  return toHex(certificate.deviceId);
}

/** The keys do what their certificate says: sign, agree, and it is valid at that time. */
export async function checkKeys(provider: Provider, keys: DeviceKeys, nowS: number): Promise<void> {
  const { signer, dh, certificate } = keys;
  ok(await openCertificate(provider, certificate.bytes, nowS), 'the certificate is not valid');
  const message = new TextEncoder().encode('to sign');
  const signature = await signer.sign(message);
  ok(await provider.verify(certificate.signingKey, message, signature), 'the signing key is another');
  const other = await provider.generateDh();
  const [secret, theirs] = [await dh.agree(other.publicKey), await other.agree(certificate.dhKey)];
  ok(secret && theirs, 'no agreement');
  equal(toHex(secret), toHex(theirs), 'the agreement key is another');
}

export function identityContract(it: It, { provider, kind, lifeS, useS, isKept, create }: IdentityCase): void {
  const nobody = (): Promise<boolean> => Promise.resolve(false);

  it('opens keys that do what their certificate says, of its kind and life', async () => {
    const identity = create();
    equal(identity.kind, kind);
    equal(identity.isKept, false, 'kept before anything is there');
    const keys = await identity.open(provider, NOW_S);
    await checkKeys(provider, keys, NOW_S);
    const { certificate } = keys;
    same([certificate.kind, certificate.notBeforeS, certificate.expiryS], [kind, NOW_S, NOW_S + lifeS]);
    equal(identity.isKept, isKept);
  });

  it('opens the same keys again, as long as their certificate lasts', async () => {
    const identity = create();
    const keys = await identity.open(provider, NOW_S);
    equal(hexOf(await identity.open(provider, NOW_S)), hexOf(keys));
    equal(hexOf(await identity.open(provider, NOW_S + useS)), hexOf(keys));
  });

  it('renews the certificate in time: the device stays, the agreement key is new', async () => {
    const identity = create();
    const keys = await identity.open(provider, NOW_S);
    for (const nowS of [NOW_S + useS + 1, NOW_S + 3 * lifeS]) {
      const renewed = await identity.open(provider, nowS);
      await checkKeys(provider, renewed, nowS);
      equal(deviceOf(renewed), deviceOf(keys), 'another device');
      ok(toHex(renewed.certificate.dhKey) !== toHex(keys.certificate.dhKey), 'the old agreement key');
      equal(hexOf(await identity.open(provider, nowS)), hexOf(renewed), 'not for long');
    }
  });

  it('renews a certificate that is not valid yet, where a clock was set back', async () => {
    const identity = create();
    const keys = await identity.open(provider, NOW_S);
    const earlierS = NOW_S - HOUR_S;
    const renewed = await identity.open(provider, earlierS);
    await checkKeys(provider, renewed, earlierS);
    equal(deviceOf(renewed), deviceOf(keys));
  });

  it('opens the same keys for all who ask at once', async () => {
    const identity = create();
    const all = await Promise.all([1, 2, 3, 4].map(() => identity.open(provider, NOW_S)));
    equal(new Set(all.map(hexOf)).size, 1);
    equal(hexOf(await identity.open(provider, NOW_S)), hexOf(all[0]!));
  });

  it('rotates to another device, which the old one vouches for', async () => {
    const identity = create();
    const old = await identity.open(provider, NOW_S);
    const { keys, statement } = await identity.rotate(provider, NOW_S + 1);
    await checkKeys(provider, keys, NOW_S + 1);
    const opened = await openRotation(provider, statement, old.certificate, NOW_S + 1, nobody);
    ok(opened, 'the statement does not open');
    same([toHex(opened.from), toHex(opened.to)], [deviceOf(old), deviceOf(keys)]);
    equal(toHex(opened.certificate.bytes), hexOf(keys));
    ok(deviceOf(keys) !== deviceOf(old), 'the same device');
    equal(hexOf(await identity.open(provider, NOW_S + 2)), hexOf(keys), 'the next opening');
  });

  it('rotates and revokes without having been opened', async () => {
    const rotating = create();
    const { keys } = await rotating.rotate(provider, NOW_S);
    equal(hexOf(await rotating.open(provider, NOW_S)), hexOf(keys));
    const revoking = create();
    ok(
      await openRevocation(provider, (await revoking.revoke(provider, NOW_S)).statement, NOW_S),
      'the statement does not open',
    );
  });

  it('revokes its keys, and is another device from then on', async () => {
    const identity = create();
    const old = await identity.open(provider, NOW_S);
    const { statement, deviceId } = await identity.revoke(provider, NOW_S + 1);
    const opened = await openRevocation(provider, statement, NOW_S + 1);
    equal(toHex(opened?.deviceId ?? new Uint8Array()), deviceOf(old));
    equal(toHex(deviceId), deviceOf(old));
    const next = await identity.open(provider, NOW_S + 2);
    await checkKeys(provider, next, NOW_S + 2);
    ok(deviceOf(next) !== deviceOf(old), 'the revoked keys are back');
  });

  it('has pins that follow a rotation', async () => {
    const identity = create();
    const ada = { kind: 'device', deviceId: new Uint8Array(32).fill(1) } as const;
    const moved = { kind: 'device', deviceId: new Uint8Array(32).fill(2) } as const;
    equal(await identity.pins.pin(ROOM, 'Ada', ada), 'new');
    ok(await identity.pins.moveTo(ada.deviceId, moved.deviceId), 'not moved');
    same(
      [await identity.pins.look(ROOM, 'Ada', moved), await identity.pins.look(ROOM, 'Ada', ada)],
      ['known', 'changed'],
    );
  });
}

export type SharedCase = {
  readonly provider: Provider;
  /** Identities that share one place, as tabs do; each call of the outer function is another place. */
  place(): () => IdentityProvider;
};

/** What tabs of one browser have to do together. */
export function sharedContract(it: It, { provider, place }: SharedCase): void {
  it('two tabs that open at once have the same keys, and the next visit has them too', async () => {
    const tab = place();
    const opened = await Promise.all([1, 2, 3, 4].map(() => tab().open(provider, NOW_S)));
    equal(new Set(opened.map(hexOf)).size, 1);
    const later = await tab().open(provider, NOW_S + HOUR_S);
    equal(hexOf(later), hexOf(opened[0]!));
    await checkKeys(provider, later, NOW_S + HOUR_S);
  });

  it('two tabs that renew at once have the same certificate', async () => {
    const tab = place();
    const keys = await tab().open(provider, NOW_S);
    const laterS = keys.certificate.expiryS;
    const renewed = await Promise.all([1, 2, 3].map(() => tab().open(provider, laterS)));
    equal(new Set(renewed.map(hexOf)).size, 1);
    equal(deviceOf(renewed[0]!), deviceOf(keys));
    await checkKeys(provider, await tab().open(provider, laterS), laterS);
  });

  it('a tab opens what another has rotated to', async () => {
    const tab = place();
    const [one, two] = [tab(), tab()];
    await Promise.all([one.open(provider, NOW_S), two.open(provider, NOW_S)]);
    const { keys } = await one.rotate(provider, NOW_S);
    equal(hexOf(await two.open(provider, NOW_S)), hexOf(keys));
  });

  it('two tabs that rotate at once rotate one after the other: the statements make one chain', async () => {
    const tab = place();
    const old = await tab().open(provider, NOW_S);
    const done = await Promise.all([tab().rotate(provider, NOW_S), tab().rotate(provider, NOW_S)]);
    const links = new Map<string, string>();
    for (const { keys, statement } of done) {
      const opened = await openRotation(provider, statement, keys.certificate, NOW_S, () => Promise.resolve(false));
      ok(opened, 'a statement does not open');
      links.set(toHex(opened.from), toHex(opened.to));
    }
    const last = links.get(links.get(deviceOf(old)) ?? '') ?? 'broken';
    equal(deviceOf(await tab().open(provider, NOW_S)), last);
  });

  it('what one tab revokes is gone in all, also where another has renewed it', async () => {
    const tab = place();
    const keys = await tab().open(provider, NOW_S);
    const [, { statement }] = await Promise.all([
      tab().open(provider, keys.certificate.expiryS),
      tab().revoke(provider, NOW_S),
    ]);
    ok(await openRevocation(provider, statement, NOW_S), 'the statement does not open');
    ok(deviceOf(await tab().open(provider, NOW_S)) !== deviceOf(keys), 'the revoked keys are back');
  });

  it('tabs share pins, made at once by several', async () => {
    const tab = place();
    const ids = [1, 2, 3, 4, 5].map((byte) => new Uint8Array(32).fill(byte));
    await Promise.all(ids.map((id) => tab().pins.setVerified(id, true)));
    same(await Promise.all(ids.map((id) => tab().pins.isVerified(id))), [true, true, true, true, true]);
    await tab().pins.forget();
    same(await Promise.all(ids.map((id) => tab().pins.isVerified(id))), [false, false, false, false, false]);
  });
}
