/** Exit codes: what ended a process family, for whoever started it. */
export const EXIT = {
  ok: 0,
  crashed: 1,
  /** A variable is bad or unknown: starting again without changing it is no use. */
  badConfig: 2,
  /** A port is taken, a migration failed, the database cannot be opened. */
  couldNotStart: 3,
} as const
