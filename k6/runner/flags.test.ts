import { expect, test } from 'bun:test'
import { flagsOf, USAGE } from './flags.ts'

test('without flags it is the load test of this folder, with its thresholds and its progress', () => {
  expect(flagsOf([])).toEqual({
    script: `${import.meta.dir.slice(0, -'/runner'.length)}/load_test.ts`,
    env: {},
    users: undefined,
    duration: undefined,
    stages: [],
    tags: {},
    outputs: [],
    hasThresholds: true,
    isQuiet: false,
    isHelp: false,
  })
})

test('a word is a shape, and the path of a script is one', () => {
  expect(flagsOf(['stress']).env).toEqual({ SHAPE: 'stress' })
  expect(flagsOf(['stress', '-e', 'SHAPE=soak']).env).toEqual({ SHAPE: 'soak' })
  for (const script of ['x/my.ts', 'my.js']) expect(flagsOf([script])).toMatchObject({ script, env: {} })
})

test("they are k6's", () => {
  const long = [
    '--env',
    'A=b=c',
    '--env',
    'B=',
    '--vus',
    '3',
    '--duration',
    '1s',
    '--quiet',
    '--no-thresholds',
  ]
  const short = ['-e', 'A=b=c', '-e', 'B=', '-u', '3', '-d', '1s', '-q', '--no-thresholds']
  for (const command of [long, short])
    expect(flagsOf(command)).toMatchObject({
      env: { A: 'b=c', B: '' },
      users: 3,
      duration: '1s',
      isQuiet: true,
      hasThresholds: false,
    })
  expect(flagsOf(['-o', 'json=x', '--out', 'prometheus', '--tag', 'a=b'])).toMatchObject({
    outputs: ['json=x', 'prometheus'],
    tags: { a: 'b' },
  })
})

test.each([
  [['-e', 'X'], '-e takes NAME=VALUE, not "X"'],
  [['-e', '=X'], '-e takes NAME=VALUE, not "=X"'],
  [['--tag', 'X'], '--tag takes NAME=VALUE, not "X"'],
  [['-s', '10'], '--stage takes DURATION:USERS, such as 30s:10, not "10"'],
  [['-s', '1s:1,'], '--stage takes DURATION:USERS, such as 30s:10, not ""'],
  [['-s', '1s:-1'], '--stage takes DURATION:USERS'],
  [['-u', '0'], '--vus takes a whole number from 1, not "0"'],
  [['-u', '1.5'], '--vus takes a whole number from 1, not "1.5"'],
  [['smoke', 'soak'], 'one shape or script at a time, not smoke and soak'],
])('%j is refused', (command, message) => {
  expect(() => flagsOf(command)).toThrow(message)
})

test('help names every flag', () => {
  expect(flagsOf(['--help']).isHelp).toBe(true)
  for (const flag of [
    '--env',
    '--vus',
    '--duration',
    '--stage',
    '--out',
    '--tag',
    '--no-thresholds',
    '--quiet',
  ])
    expect(USAGE).toContain(flag)
})
