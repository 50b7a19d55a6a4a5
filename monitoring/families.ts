/**
 * Every metric family that the stack publishes. The declarations stand in the code that measures; families.json is what the
 * processes publish of them, and `bun run --cwd monitoring families` writes it anew. A test compares it with the pages of running processes.
 */

import published from './families.json' with { type: 'json' }

/** Name, type, labels, meaning: the HELP text of the page. */
export type Family = readonly [name: string, type: string, labels: readonly string[], meaning: string]

export const families: readonly Family[] = published.map(({ name, type, labels, help }) => [
  name,
  type,
  labels,
  help,
])
