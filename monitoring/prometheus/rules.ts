/** The rule files as Prometheus loads them, for tests. */

export type AlertRule = {
  /** Path of the file that it is in. */
  file: string
  alert: string
  expr: string
  for?: string
  labels: Record<string, string>
  annotations: Record<'summary' | 'description' | 'runbook_url' | 'dashboard_url', string>
}

export type RecordingRule = { file: string; record: string; expr: string }

type RuleFile = { groups: { rules: (AlertRule | RecordingRule)[] }[] }

const folder = `${import.meta.dir}/rules`

/** Paths of the rule files. */
export const ruleFiles: readonly string[] = [
  ...new Bun.Glob('*.yml').scanSync({ cwd: folder, absolute: true }),
].toSorted()

const rules = (await Promise.all(ruleFiles.map(rulesIn))).flat()

export const alertRules: readonly AlertRule[] = rules.filter((rule) => 'alert' in rule)

export const recordingRules: readonly RecordingRule[] = rules.filter((rule) => 'record' in rule)

/**
 * The alert as the rule's own words have it, in promtool's form.
 * @param of the labels of the series that it is about
 * @param value as the summary words it
 */
export function firing(
  { labels, annotations }: AlertRule,
  of: Readonly<Record<string, string>>,
  value?: string,
) {
  const fill = (text: string) =>
    text
      .replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label) => of[label] ?? '')
      .replace(/\{\{ \$value[^}]*\}\}/g, () => value ?? 'a value that the case does not tell')
  const filled = (texts: Record<string, string>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fill(text)]))
  return { exp_labels: { ...of, ...filled(labels) }, exp_annotations: filled(annotations) }
}

async function rulesIn(file: string): Promise<(AlertRule | RecordingRule)[]> {
  const { groups } = Bun.YAML.parse(await Bun.file(file).text()) as RuleFile
  return groups.flatMap(({ rules }) => rules).map((rule) => Object.assign(rule, { file }))
}
