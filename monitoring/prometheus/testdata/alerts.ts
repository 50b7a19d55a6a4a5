/**
 * For each alert: series that make it fire, with what it then says, and series that are close to that and must not. Values are
 * promtool's: `0+3x60` begins at 0 and goes up by 3 at each of 60 scrapes, 10 s apart. Burn rates are in burn.ts.
 */

import { gatewayCases } from './gateway.ts'
import { servicesCases } from './services.ts'
import type { AlertCase } from './series.ts'
import { targetsCases } from './targets.ts'
import { workersCases } from './workers.ts'

/** By the name of the alert; all but those that burn.ts proves and the one that always fires. */
export const alertCases: Readonly<Record<string, AlertCase>> = {
  ...targetsCases,
  ...workersCases,
  ...gatewayCases,
  ...servicesCases,
}
