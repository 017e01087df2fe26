/**
 * The relay an element joins when its page names none: the origin that served the drop-in script, because the relay's
 * own deployment serves it. The npm entries never set it (a bundler's origin says nothing about a relay).
 */
let relay: string | undefined;

/** The first call wins: a second copy of the script, from elsewhere, must not move rooms that are already placed. */
export function setDefaultRelay(url: string): void {
  relay ??= url;
}

/** An `http:` or `https:` origin, or `undefined` when no drop-in script set one. */
export function defaultRelay(): string | undefined {
  return relay;
}
