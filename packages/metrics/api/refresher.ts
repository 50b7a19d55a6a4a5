/**
 * Runs `collect` and copies numbers once a second in a process whose page another process renders: that process can read the
 * numbers, but not call functions here. A page is therefore at most a second behind.
 */
const EVERY_MS = 1000

export class Refresher<Metric extends { name: string }> {
  readonly #metrics: () => readonly Metric[]
  readonly #refresh: (metric: Metric) => Promise<unknown>
  #timer: Timer | undefined
  /** A refresh that takes longer than a second is not started again meanwhile. */
  readonly #running = new Set<Metric>()
  /** Metrics whose last refresh failed: an error is reported once, not each second. */
  readonly #failed = new Set<Metric>()

  /** @param metrics all that need it at the moment; the timer stops when there are none */
  constructor(metrics: () => readonly Metric[], refresh: (metric: Metric) => Promise<unknown>) {
    this.#metrics = metrics
    this.#refresh = refresh
  }

  start(): void {
    if (this.#timer) return
    this.#timer = setInterval(() => this.#run(), EVERY_MS)
    this.#timer.unref()
    setTimeout(() => this.#run(), 0).unref()
  }

  #run(): void {
    const metrics = this.#metrics()
    if (metrics.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    for (const metric of metrics) if (!this.#running.has(metric)) void this.#refreshOne(metric)
  }

  async #refreshOne(metric: Metric): Promise<void> {
    this.#running.add(metric)
    try {
      await this.#refresh(metric)
      this.#failed.delete(metric)
    } catch (error) {
      if (!this.#failed.has(metric))
        process.emitWarning(
          `collect of ${metric.name} failed: ${error instanceof Error ? error.message : error}`,
        )
      this.#failed.add(metric)
    } finally {
      this.#running.delete(metric)
    }
  }
}
