/** Measures how late timers fire, which is how long other work has kept the event loop busy. */
import { Histogram } from '../api/histogram.ts'
import type { Registry } from '../api/registry.ts'

const TURN_EVERY_MS = 100

/** The last turn of the event loop. */
export interface EventLoop {
  /** `performance.now()` of the last turn. */
  turnedMs: number
  lagMs: number
  stop(): void
}

/** @param onTurn is called for each turn, the first one included */
export function measureEventLoop(
  registry: Registry,
  onTurn: (turnedMs: number, lagMs: number) => void = () => {},
): EventLoop {
  const lag = new Histogram({
    name: 'runtime_eventloop_lag_seconds',
    help: 'How late a timer fired because the event loop was busy, in seconds',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  const loop: EventLoop = { turnedMs: performance.now(), lagMs: 0, stop: () => clearInterval(timer) }
  const timer = setInterval(() => {
    const nowMs = performance.now()
    loop.lagMs = Math.max(0, nowMs - loop.turnedMs - TURN_EVERY_MS)
    loop.turnedMs = nowMs
    lag.observe(loop.lagMs / 1000)
    onTurn(loop.turnedMs, loop.lagMs)
  }, TURN_EVERY_MS)
  timer.unref()
  onTurn(loop.turnedMs, loop.lagMs)
  return loop
}
