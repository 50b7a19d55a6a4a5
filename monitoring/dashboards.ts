/** The dashboards of our own stack, and their files. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboardsOf } from './grafana/dashboards.ts'
import { objectives } from './objectives.ts'
import { stack } from './stack.ts'

export const dashboards: readonly Dashboard[] = dashboardsOf(stack, objectives)

/** The generated file of a dashboard. */
export const fileOf = ({ uid }: Dashboard): string => `${import.meta.dir}/grafana/dashboards/${uid}.json`
