/**
 * What an operator has put before every room: which pages, how often, and whose users. Asked in this order, before and
 * after the room's own token; without any setting it lets everybody through.
 */
import { isWithinDoorLimit } from './door-limit.ts';
import type { RateLimit } from './door-limit.ts';
import { JwtGate, parseJwtSettings } from './jwt.ts';
import { isAllowedOrigin, parseOrigins } from './origins.ts';
import type { OriginRule } from './origins.ts';

export type OutsideRefusal = 'origin-refused' | 'rate-limited';

/** The settings that this reads, as `wrangler.toml` binds them. */
export type DoorEnv = {
  readonly ALLOWED_ORIGINS?: unknown;
  readonly DOOR_LIMIT?: RateLimit;
  readonly DOOR_SECRET?: unknown;
};

export class Door {
  readonly #origins: OriginRule;
  readonly #limit: RateLimit | undefined;
  readonly #limitSecret: string;
  readonly jwt: JwtGate;
  /** Whether anybody with a token passes, which anybody can make for a room of his own (TU1). */
  readonly isForAnybody: boolean;
  /** Names of settings that cannot be used: nobody comes in until they are put right. Never their values. */
  readonly faults: readonly string[];

  constructor(env: DoorEnv) {
    const jwtRule = parseJwtSettings(env as { readonly [name: string]: unknown });
    this.#origins = parseOrigins(env.ALLOWED_ORIGINS);
    this.#limit = env.DOOR_LIMIT;
    this.#limitSecret = typeof env.DOOR_SECRET === 'string' ? env.DOOR_SECRET : '';
    this.jwt = new JwtGate(jwtRule);
    this.isForAnybody = jwtRule.type === 'off';
    this.faults = [
      ...(this.#origins.type === 'malformed' ? ['ALLOWED_ORIGINS'] : []),
      ...(jwtRule.type === 'malformed' ? [jwtRule.setting] : []),
    ];
  }

  /** Before anything of the request is looked at. */
  async refusalOf(headers: Headers, nowMs: number): Promise<OutsideRefusal | undefined> {
    if (!this.allows(headers)) return 'origin-refused';
    const address = headers.get('CF-Connecting-IP');
    const isWithin = await isWithinDoorLimit(this.#limit, address, nowMs, this.#limitSecret);
    return isWithin ? undefined : 'rate-limited';
  }

  /** AD16: what a browser lets the calling page read. Nothing, where its origin is not on the list. */
  corsOrigin(headers: Headers): Readonly<Record<string, string>> {
    if (this.#origins.type === 'any') return { 'Access-Control-Allow-Origin': '*' };
    const origin = headers.get('Origin');
    const isTold = origin !== null && this.allows(headers);
    return { Vary: 'Origin', ...(isTold && { 'Access-Control-Allow-Origin': origin }) };
  }

  allows(headers: Headers): boolean {
    return isAllowedOrigin(this.#origins, headers.get('Origin'));
  }
}

/**
 * One for each set of bindings, which the platform makes once for an instance of the Worker: the operator's keys are
 * imported, and fetched, once and not with every request. Holds nothing of any room or visitor.
 */
const DOORS = new WeakMap<DoorEnv, Door>();

export function doorOf(env: DoorEnv): Door {
  const known = DOORS.get(env);
  if (known) return known;
  const door = new Door(env);
  DOORS.set(env, door);
  return door;
}
