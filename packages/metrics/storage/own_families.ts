/** What the package reports about itself. */
import { type Family, plainFamily } from '../model/family.ts'

export const droppedFamily = (value: number): Family =>
  plainFamily(
    'metrics_dropped_series_total',
    'counter',
    'Events counted in the series __overflow__, because their label set had no room or was above the limit',
    value,
  )

export const conflictsFamily = (value: number): Family =>
  plainFamily(
    'metrics_conflicting_families',
    'gauge',
    'Families that workers declare differently now: the newer declaration is shown',
    value,
  )

export const damagedFamily = (value: number): Family =>
  plainFamily(
    'metrics_damaged_regions',
    'gauge',
    'Regions of the segment that could not be read to their end',
    value,
  )
