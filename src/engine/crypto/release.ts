/** ES2024. */
type TransferableBuffer = ArrayBuffer & { transfer?(length: number): ArrayBuffer };

/** Smaller ones are not worth the call. */
const RELEASE_MIN_BYTES = 4_096;

/**
 * Gives the memory back now and not when garbage is collected: the next frame then takes pages that are in use already, and fresh ones
 * cost more than the cipher. Nobody may hold the buffer any more. Browsers without `transfer` let it lie.
 */
export function release(buffer: TransferableBuffer): void {
  if (buffer.byteLength >= RELEASE_MIN_BYTES) buffer.transfer?.(0);
}
