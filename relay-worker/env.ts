/** What `wrangler.toml` binds. Operator settings are outside input: `unknown` until parsed. */
import type { DoorEnv } from './door.ts';
import type { RoomObject } from './room-object.ts';

export type RelayEnv = DoorEnv & {
  readonly ROOMS: DurableObjectNamespace<RoomObject>;
  readonly ASSETS: Fetcher;
  readonly ICE_SERVERS?: unknown;
  readonly MAX_PEERS?: unknown;
  readonly JWT_SECRET?: unknown;
  readonly JWT_PUBLIC_KEY?: unknown;
  readonly JWT_JWKS_URL?: unknown;
  readonly JWT_ISSUER?: unknown;
  readonly JWT_AUDIENCE?: unknown;
};
