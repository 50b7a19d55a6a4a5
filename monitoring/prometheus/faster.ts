/** Shortens all durations of Prometheus and Alertmanager, for a demonstration or a test that cannot wait for minutes. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Ranges and offsets in expressions, and the keys for intervals and waits. Names of recordings do not match. */
const durations =
  /(\[|offset |\b(?:for|interval|scrape_interval|evaluation_interval|group_wait|group_interval|repeat_interval): )(\d+)(ms|[smhd])\b/g

/** Windows in seconds, written as a product: `(5 * 60)`. */
const minutes = /\((\d+) \* 60\)/g

/**
 * A configuration or rule file with every duration divided by one number, which keeps their proportions. Thresholds in
 * seconds do not change: they concern requests and workers.
 */
export function faster(yaml: string, times: number): string {
  return yaml
    .replace(
      durations,
      (_, before: string, count: string, unit: string) =>
        `${before}${Math.max(1, Math.round((Number(count) * unitMs[unit]!) / times))}ms`,
    )
    .replace(minutes, (_, count: string) => `(${(Number(count) * 60) / times})`)
}
