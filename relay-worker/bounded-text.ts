/** How the relay reads a body, whoever it comes from: no further than it may be long, and as UTF-8 or not at all. */

export type BodyFault = { readonly fault: 'too-large' | 'parse-error' };

/** In bytes; what its sender says of its length counts for nothing. Never rejects. */
export async function readBounded(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<string | BodyFault> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const reader = body?.getReader();
  let text = '';
  let bytes = 0;
  try {
    for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
      bytes += part.value.length;
      if (bytes > maxBytes) {
        await reader?.cancel();
        return { fault: 'too-large' };
      }
      text += decoder.decode(part.value, { stream: true });
    }
    return text + decoder.decode();
  } catch {
    // No UTF-8, or a sender that has gone and hears no answer.
    return { fault: 'parse-error' };
  }
}
