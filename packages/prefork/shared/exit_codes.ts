/** Exit codes of a cluster: they tell its operator, or the program that started it, why it ended. */
export const EXIT = {
  ok: 0,
  crashed: 1,
  /** A variable is bad or unknown. A new start with the same environment fails again. */
  badConfig: 2,
  /** A port is taken, a migration failed, the database cannot be opened. */
  couldNotStart: 3,
} as const
