/** Makes Prometheus live faster: for a demonstration or a test that must not wait for minutes. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Windows, offsets and ages in expressions, intervals and waits beside them. Names of recordings are left alone. */
const durations = /(\[|offset |\b(?:for|scrape_interval|evaluation_interval): )(\d+)(ms|[smhd])\b/g

/**
 * A configuration or rule file with every duration divided by one number, so that all stay in proportion.
 * Thresholds in seconds, which are about requests and workers, stay.
 */
export function faster(yaml: string, times: number): string {
  return yaml.replace(
    durations,
    (_, before: string, count: string, unit: string) =>
      `${before}${Math.max(1, Math.round((Number(count) * unitMs[unit]!) / times))}ms`,
  )
}
