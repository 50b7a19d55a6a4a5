/**
 * For each alert: series on which it fires, with its labels and value, and series that are close and on which it must not fire.
 * Values are in promtool's notation: `0+3x60` starts at 0 and rises by 3 in each of 60 scrapes, 10 s apart. Burn rates are in
 * burn.ts.
 */

import { gatewayCases } from './gateway.ts'
import { servicesCases } from './services.ts'
import type { AlertCase } from './series.ts'
import { targetsCases } from './targets.ts'
import { workersCases } from './workers.ts'

/** Cases by the name of the alert. Burn rates and Watchdog, which always fires, have none. */
export const alertCases: Readonly<Record<string, AlertCase>> = {
  ...targetsCases,
  ...workersCases,
  ...gatewayCases,
  ...servicesCases,
}
