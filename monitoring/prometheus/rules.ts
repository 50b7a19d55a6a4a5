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

async function rulesIn(file: string): Promise<(AlertRule | RecordingRule)[]> {
  const { groups } = Bun.YAML.parse(await Bun.file(file).text()) as RuleFile
  return groups.flatMap(({ rules }) => rules).map((rule) => Object.assign(rule, { file }))
}
