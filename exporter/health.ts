/**
 * What uwsgi_exporter tells of itself: counts over all scrapes since the start. The namespace `prefork` has none of it,
 * because a scraper knows when and how long it scraped.
 */
import { type Family, labelled, single } from './family.ts'
import type { Reading } from './scrape.ts'
import { BUILD } from './version.ts'

export class Health {
  #scrapes = 0
  #errors = 0
  #hasFailed = false
  #successes = 0
  #successSeconds = 0

  /** Counts a scrape, which failed if any target did; only the others' durations are summed up. */
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
      of('scrape_errors_total', 'counter', 'Scrapes in which a target did not answer.', this.#errors),
      of('last_scrape_error', 'gauge', 'Whether the last scrape was such a one.', Number(this.#hasFailed)),
      {
        name: 'uwsgi_exporter_scrape_duration_seconds',
        type: 'summary',
        help: 'Time of the scrapes in which all targets answered.',
        series: [{ labels: '', sum: this.#successSeconds, count: this.#successes }],
      },
      of('build_info', 'gauge', 'Versions of the exporter and of Bun.', 1, labelled(BUILD)),
    ]
  }
}
