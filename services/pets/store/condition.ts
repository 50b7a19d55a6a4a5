/** Logs the beginning and the end of a condition once each, however many requests meet it. */
import type { Logger } from '@bun-monitoring/prefork'

export class Condition {
  #isOn = false

  constructor(
    readonly log: Logger,
    readonly beginning: string,
    readonly ending: string,
  ) {}

  /** @param fields of the log line */
  begin(fields: object): void {
    if (this.#isOn) return
    this.#isOn = true
    this.log.warn(fields, this.beginning)
  }

  end(): void {
    if (!this.#isOn) return
    this.#isOn = false
    this.log.info(this.ending)
  }
}
