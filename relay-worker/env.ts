/** What `wrangler.toml` binds. Operator settings are outside input: `unknown` until parsed. */
import type { TurnEnv } from './ice-issuer.ts';
import type { RoomObject } from './room-object.ts';

export type RelayEnv = {
  readonly ROOMS: DurableObjectNamespace<RoomObject>;
  readonly ASSETS: Fetcher;
  readonly ICE_SERVERS?: unknown;
  readonly MAX_PEERS?: unknown;
} & TurnEnv;
