/**
 * Fault injection: settings make a share of the requests slow, failing or blocking the event loop, to show dashboards and
 * alerts at work. All faults are off by default, and no request can switch one on.
 */
import { type Static, Type } from '@sinclair/typebox'
import type { AnyElysia } from 'elysia'

const percent = (verb: string) =>
  Type.Integer({
    minimum: 0,
    maximum: 100,
    default: 0,
    description: `percent of the requests that ${verb}`,
  })
const milliseconds = (byDefault: number, description: string) =>
  Type.Integer({
    minimum: 0,
    maximum: 60_000,
    default: byDefault,
    description: `milliseconds ${description}`,
  })

/** The settings of fault injection, part of a service's settings. */
export const faultSettings = {
  faultSlowPercent: percent('are slow'),
  faultSlowMs: milliseconds(2000, 'that a slow request waits'),
  faultFailPercent: percent('fail with 500'),
  faultBlockPercent: percent('block the event loop'),
  faultBlockMs: milliseconds(200, 'that such a request blocks it'),
}

const faultsSchema = Type.Object(faultSettings)
export type Faults = Static<typeof faultsSchema>

/** The error of a request that fails by injection. */
class InjectedFault extends Error {
  override name = 'InjectedFault'
}

/**
 * The plugin; it adds no hook if all faults are off. Health checks are spared: a gateway that ejects the service would hide
 * the faults.
 */
export const injectFaults =
  (faults?: Faults) =>
  <App extends AnyElysia>(app: App): App => {
    if (faults === undefined || isOff(faults)) return app
    const { faultSlowPercent, faultSlowMs, faultFailPercent, faultBlockPercent, faultBlockMs } = faults
    app.onRequest(async ({ request }) => {
      if (request.url.endsWith('/healthz')) return
      if (happens(faultBlockPercent)) block(faultBlockMs)
      if (happens(faultSlowPercent)) await Bun.sleep(faultSlowMs)
      if (happens(faultFailPercent))
        throw new InjectedFault('fault injection is on: see the settings FAULT_* of this service')
    })
    return app
  }

const isOff = ({ faultSlowPercent, faultFailPercent, faultBlockPercent }: Faults): boolean =>
  faultSlowPercent + faultFailPercent + faultBlockPercent === 0

const happens = (percent: number): boolean => Math.random() * 100 < percent

/** Keeps the event loop busy, as a handler that computes too much does. */
function block(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}
