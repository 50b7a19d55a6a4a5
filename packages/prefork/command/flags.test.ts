import { expect, test } from 'bun:test'
import { ConfigError, processSettings } from '../shared/config.ts'
import { flagName, readCommandLine, readSettings, usage } from './flags.ts'

const problemsOf = (act: () => unknown): readonly string[] => {
  try {
    act()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}
const keys = Object.keys(processSettings({ port: 0, adminPort: 0 }))

test('each setting is a flag, with and without "="', () => {
  for (const key of keys) {
    const flag = flagName(key)
    const read = [readCommandLine([flag, '7', 'app.ts']), readCommandLine(['app.ts', `${flag}=7`])]
    for (const each of read) {
      expect(each).toMatchObject({ file: 'app.ts', name: undefined })
      expect(Object.values((each as { settings: object }).settings)).toEqual(['7'])
    }
    expect(usage()).toContain(`  ${flag} `)
  }
})

test('flags win over variables, which win over defaults', () => {
  const { settings } = readCommandLine(['app.ts', '--workers', '4', '--admin-port=1']) as { settings: {} }
  const env = { PREFORK_WORKERS: '3', PREFORK_PORT: '5', OTHER: 'x' }
  expect(readSettings(settings, env)).toMatchObject({ workers: 4, port: 5, adminPort: 1, drainMs: 10_000 })
})

test('--help and -h are read anywhere', () => {
  for (const args of [['--help'], ['-h'], ['app.ts', '--help'], ['--nonsense', '-h']])
    expect(readCommandLine(args)).toBe('help')
})

test.each<[string[], string[]]>([
  [[], ['the file of the app is missing: prefork app.ts']],
  [['a.ts', 'b.ts'], ['only one app can run: b.ts is too much']],
  [
    ['app.ts', '--wrokers', '4'],
    ['--wrokers is not a flag: did you mean --workers?', 'only one app can run: 4 is too much'],
  ],
  [['app.ts', '--port'], ['--port needs a value']],
  [
    ['app.ts', '--name=a/b'],
    ['--name="a/b" is not allowed: must be letters, digits, dots, dashes and underscores'],
  ],
])('%j is refused', (args, problems) => expect(problemsOf(() => readCommandLine(args))).toEqual(problems))

test('a bad value is named as it was given: by its flag, or by its variable', () => {
  const { settings } = readCommandLine(['app.ts', '--port=x']) as { settings: {} }
  expect(problemsOf(() => readSettings(settings, { PREFORK_ADMIN_PORT: 'y', PREFORK_PROT: '1' }))).toEqual([
    '--port="x" is not allowed: must be an integer from 0 to 65535',
    'PREFORK_ADMIN_PORT="y" is not allowed: must be an integer from 0 to 65535',
    'PREFORK_PROT is not a setting: did you mean PREFORK_PORT?',
  ])
})

test('a name has the characters of file names', () => {
  expect(readCommandLine(['app.ts', '--name', 'my-app_1.0'])).toMatchObject({ name: 'my-app_1.0' })
})

test('the help tells the default of a setting that has one', () => {
  const lineOf = (flag: string) =>
    usage()
      .split('\n')
      .find((line) => line.startsWith(`  ${flag} `))
  expect(lineOf('--port')).toEndWith('an integer from 0 to 65535 (default 8080)')
  expect(lineOf('--workers')).toEndWith(', or auto (default 2)')
  expect(lineOf('--metrics-dir')).toEndWith('a non-empty string')
})
