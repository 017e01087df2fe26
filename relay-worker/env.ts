/** What `wrangler.toml` binds. Operator settings are outside input: `unknown` until parsed. */
import type { DoorEnv } from './door.ts';
import type { TurnEnv } from './ice-issuer.ts';
import type { MailboxObject } from './mailbox-object.ts';
import type { Counters } from './operator-view.ts';
import type { RoomObject } from './room-object.ts';

export type RelayEnv = DoorEnv &
  TurnEnv & {
    readonly ROOMS: DurableObjectNamespace<RoomObject>;
    /** Never touched unless `MAILBOX` is `on` (MB9). */
    readonly MAILBOXES: DurableObjectNamespace<MailboxObject>;
    readonly ASSETS: Fetcher;
    /** Which deployment this is. */
    readonly DEPLOYMENT?: { readonly id: string };
    /** Where counts go (OP3); none are made without it. */
    readonly COUNTERS?: Counters;
    readonly ICE_SERVERS?: unknown;
    readonly MAX_PEERS?: unknown;
    readonly MAILBOX?: unknown;
    readonly MAILBOX_TTL_S?: unknown;
    readonly JURISDICTION?: unknown;
    readonly LOCATION_HINT?: unknown;
    readonly JWT_SECRET?: unknown;
    readonly JWT_PUBLIC_KEY?: unknown;
    readonly JWT_JWKS_URL?: unknown;
    readonly JWT_ISSUER?: unknown;
    readonly JWT_AUDIENCE?: unknown;
  };
