/**
 * The metrics `uwsgi_exporter_*`: counts of all scrapes since the start. The namespace `prefork` does not need them,
 * because Prometheus measures its scrapes itself.
 */
import { BUILD } from '../config/version.ts'
import type { Reading } from '../stats/scrape.ts'
import { type Family, labelled, single } from './metric_table.ts'

export class ScrapeCounts {
  #scrapes = 0
  #errors = 0
  #hasFailed = false
  #successes = 0
  #successSeconds = 0

  /** Counts a scrape. It failed if any target failed; only successful scrapes count for the duration. */
  add(readings: readonly Reading[], durationSeconds: number): void {
    this.#scrapes++
    this.#hasFailed = readings.some((reading) => 'problem' in reading)
    if (this.#hasFailed) this.#errors++
    else {
      this.#successes++
      this.#successSeconds += durationSeconds
    }
  }

  families(): Family[] {
    const of = (name: string, type: 'counter' | 'gauge', help: string, value: number, labels = '') =>
      single(`uwsgi_exporter_${name}`, type, help, value, labels)
    return [
      of('scrapes_total', 'counter', 'Scrapes since the start.', this.#scrapes),
      of('scrape_errors_total', 'counter', 'Scrapes in which a target failed.', this.#errors),
      of(
        'last_scrape_error',
        'gauge',
        'Whether a target failed in the last scrape.',
        Number(this.#hasFailed),
      ),
      {
        name: 'uwsgi_exporter_scrape_duration_seconds',
        type: 'summary',
        help: 'Duration of the scrapes in which no target failed.',
        series: [{ labels: '', sum: this.#successSeconds, count: this.#successes }],
      },
      of('build_info', 'gauge', 'Versions of the exporter and of Bun.', 1, labelled(BUILD)),
    ]
  }
}
