/** What `wrangler.toml` binds. Operator settings are outside input: `unknown` until parsed. */
import type { RoomObject } from './room-object.ts';

export type RelayEnv = {
  readonly ROOMS: DurableObjectNamespace<RoomObject>;
  readonly ASSETS: Fetcher;
  readonly ICE_SERVERS?: unknown;
  readonly MAX_PEERS?: unknown;
} & TurnEnv;

/** Who issues TURN credentials, and to whom (ice-issuer.ts). */
export type TurnEnv = {
  readonly TURN_URLS?: unknown;
  readonly TURN_SECRET?: unknown;
  readonly TURN_TTL_S?: unknown;
  readonly TURN_REQUIRES?: unknown;
  readonly CLOUDFLARE_TURN_KEY_ID?: unknown;
  readonly CLOUDFLARE_TURN_API_TOKEN?: unknown;
  readonly STAKE_RPC_URL?: unknown;
  readonly STAKE_MINIMUM?: unknown;
  readonly STAKE_COIN_TYPE?: unknown;
};
