import type { Direction } from './contender.ts';

const ALGORITHM = { name: 'AES-GCM', iv: new Uint8Array(12) };

export function importBenchKey(): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', new Uint8Array(16).fill(1), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

export function run(direction: Direction, key: CryptoKey, data: ArrayBuffer): Promise<ArrayBuffer> {
  return direction === 'seal'
    ? crypto.subtle.encrypt(ALGORITHM, key, data)
    : crypto.subtle.decrypt(ALGORITHM, key, data);
}
