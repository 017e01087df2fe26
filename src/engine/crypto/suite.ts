/** What two peers have to have in common before they agree on keys: a suite and a mode. */

/** X25519 and ML-KEM-768, HKDF-SHA-512, a ratchet on SHA-256, AES-256-GCM; frames under 0x0004 of RFC 9605. */
export const SUITE = 0x0001;
/** What we offer, in our order. */
export const SUITES: readonly number[] = [SUITE];
export const SUITE_BYTES = 2;

/** End-to-end encryption or nothing. */
export const MODE_REQUIRED = 1;

/** SHA-256 of a DTLS certificate. */
export const DTLS_FINGERPRINT_BYTES = 32;
