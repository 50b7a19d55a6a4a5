/** The rule files as Prometheus loads them, for tests. */

export type AlertRule = {
  /** Path of its file. */
  file: string
  alert: string
  expr: string
  for?: string
  labels: Record<string, string>
  annotations: Record<'summary' | 'description' | 'runbook_url' | 'dashboard_url', string>
}

export type RecordingRule = { file: string; record: string; expr: string }

type RuleFile = { groups: { name: string; rules: (AlertRule | RecordingRule)[] }[] }

const folder = `${import.meta.dir}/rules`

/** Paths of the rule files. */
export const ruleFiles: readonly string[] = [
  ...new Bun.Glob('*.yml').scanSync({ cwd: folder, absolute: true }),
].toSorted()

/** The names of the groups in files, in their order. promtool needs them: otherwise it evaluates groups in any order. */
export async function groupsIn(files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => Bun.file(file).text()))
  return texts.flatMap((text) => (Bun.YAML.parse(text) as RuleFile).groups.map(({ name }) => name))
}

const rules = (await Promise.all(ruleFiles.map(rulesIn))).flat()

export const alertRules: readonly AlertRule[] = rules.filter((rule) => 'alert' in rule)

export const recordingRules: readonly RecordingRule[] = rules.filter((rule) => 'record' in rule)

/**
 * The alert in promtool's form: labels and annotations of the rule with the templates filled in.
 * @param of the labels of the series that the expression returns
 * @param value formatted as in the summary
 */
export function firingOf(
  { labels, annotations }: AlertRule,
  of: Readonly<Record<string, string>>,
  value?: string,
) {
  const fill = (text: string) =>
    text
      .replace(/\{\{ \$labels\.(\w+)(?: \| urlquery)? \}\}/g, (_, label) => of[label] ?? '')
      .replace(/\{\{ \$value[^}]*\}\}/g, () => value ?? 'a value that is missing in the case')
  const filled = (texts: Record<string, string>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fill(text)]))
  return { exp_labels: { ...of, ...filled(labels) }, exp_annotations: filled(annotations) }
}

async function rulesIn(file: string): Promise<(AlertRule | RecordingRule)[]> {
  const { groups } = Bun.YAML.parse(await Bun.file(file).text()) as RuleFile
  return groups.flatMap(({ rules }) => rules).map((rule) => Object.assign(rule, { file }))
}
