/** Where objects live (PROTOCOL.md OP2): the operator's `JURISDICTION` and `LOCATION_HINT`. */

/** https://developers.cloudflare.com/durable-objects/reference/data-location/, as of 2026-11. */
const LOCATION_HINTS = [
  'wnam',
  'enam',
  'sam',
  'weur',
  'eeur',
  'apac',
  'apac-ne',
  'apac-se',
  'oc',
  'afr',
  'me',
] as const;

type LocationHint = (typeof LOCATION_HINTS)[number];
type Jurisdiction = 'eu' | 'us' | 'fedramp' | 'fedramp-high';

export type PlacementSettings = { readonly JURISDICTION?: unknown; readonly LOCATION_HINT?: unknown };

/** The part of the platform's namespaces that is needed. */
type Namespace<Id, Stub> = {
  idFromName(name: string): Id;
  get(id: Id, options?: { readonly locationHint?: LocationHint }): Stub;
};
type Divisible<Id, Stub> = Namespace<Id, Stub> & { jurisdiction(name: Jurisdiction): Namespace<Id, Stub> };

/**
 * The object of this name. Throws what the platform throws for a jurisdiction that it does not know: an operator who has
 * promised a place must not be anywhere else because of a typing error. A hint that is none is left out; it is only a hint.
 *
 * Not through a promise: a stub answers to every name, and might be taken for one itself.
 */
export function objectNamed<Id, Stub>(
  namespace: Divisible<Id, Stub>,
  name: string,
  { JURISDICTION, LOCATION_HINT }: PlacementSettings,
): Stub {
  const isAnywhere = JURISDICTION === undefined || JURISDICTION === '';
  // the platform's to refuse
  const within = isAnywhere ? namespace : namespace.jurisdiction(String(JURISDICTION) as Jurisdiction);
  const locationHint = LOCATION_HINTS.find((hint) => hint === LOCATION_HINT);
  return within.get(within.idFromName(name), locationHint ? { locationHint } : {});
}
