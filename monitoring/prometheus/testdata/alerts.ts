/** For each alert its cases: when it fires, and when it is close to that and must not. Burn rates are in burn.ts. */

import { capacityCases } from './capacity.ts'
import { databaseCases } from './database.ts'
import { gatewayCases } from './gateway.ts'
import { servicesCases } from './services.ts'
import type { AlertCase } from './series.ts'
import { targetsCases } from './targets.ts'
import { workersCases } from './workers.ts'
import { workersLoadCases } from './workers_load.ts'

/** Cases by the name of the alert. Burn rates and Watchdog, which always fires, have none. */
export const alertCases: Readonly<Record<string, readonly AlertCase[]>> = {
  ...targetsCases,
  ...workersCases,
  ...workersLoadCases,
  ...gatewayCases,
  ...servicesCases,
  ...databaseCases,
  ...capacityCases,
}
