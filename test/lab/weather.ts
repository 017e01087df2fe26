/** What a line does to packets, each way. */
export type Weather = {
  /** Of every packet; the order is kept, as on most lines. */
  readonly delay_ms?: number;
  /** On top, from nothing to so much. */
  readonly jitter_ms?: number;
  /** From 0 to 1: of all packets, each by itself. */
  readonly loss?: number;
};

/** 100 ± 25 ms and 5 % loss: a phone at the edge of a cell. */
export const BAD_WEATHER: Weather = { delay_ms: 75, jitter_ms: 50, loss: 0.05 };
