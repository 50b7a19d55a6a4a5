/**
 * Fault switches: a service can be told to be slow, to fail or to block its event loop for some share of its requests, so that
 * dashboards and alerts can be seen working. By environment only, off by default; no request can switch one on.
 */
import { type Static, Type } from '@sinclair/typebox'
import type { AnyElysia } from 'elysia'

const percent = (what: string) =>
  Type.Integer({
    minimum: 0,
    maximum: 100,
    default: 0,
    description: `percent of the requests that ${what}`,
  })
const milliseconds = (byDefault: number, what: string) =>
  Type.Integer({
    minimum: 0,
    maximum: 60_000,
    default: byDefault,
    description: `milliseconds ${what}`,
  })

/** The settings, part of a service's. */
export const faultSettings = {
  faultSlowPercent: percent('are slow'),
  faultSlowMs: milliseconds(2000, 'that a slow request waits'),
  faultFailPercent: percent('fail with 500'),
  faultBlockPercent: percent('block the event loop'),
  faultBlockMs: milliseconds(200, 'that such a request blocks it'),
}

const faultsSchema = Type.Object(faultSettings)
export type Faults = Static<typeof faultsSchema>

/** What a fault switch makes of a request. */
class InjectedFault extends Error {
  override name = 'InjectedFault'
}

/** The plugin, which adds nothing where all switches are off. Health checks are spared, or nobody would see the rest. */
export const withFaults =
  (faults?: Faults) =>
  <App extends AnyElysia>(app: App): App => {
    if (faults === undefined || isOff(faults)) return app
    const { faultSlowPercent, faultSlowMs, faultFailPercent, faultBlockPercent, faultBlockMs } = faults
    app.onRequest(async ({ request }) => {
      if (request.url.endsWith('/healthz')) return
      if (happens(faultBlockPercent)) block(faultBlockMs)
      if (happens(faultSlowPercent)) await Bun.sleep(faultSlowMs)
      if (happens(faultFailPercent)) throw new InjectedFault('a fault switch of this service is on')
    })
    return app
  }

const isOff = ({ faultSlowPercent, faultFailPercent, faultBlockPercent }: Faults): boolean =>
  faultSlowPercent + faultFailPercent + faultBlockPercent === 0

const happens = (percent: number): boolean => Math.random() * 100 < percent

/** Uses the processor meanwhile, as a handler that computes too much does. */
function block(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}
