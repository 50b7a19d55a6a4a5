/** Command lines in, configurations or exact messages out. */
import { describe, expect, test } from 'bun:test'
import { FLAGS, readConfig } from './config.ts'

const DEFAULTS = {
  targets: ['http://127.0.0.1:9000/stats', 'http://127.0.0.1:9001/stats', 'http://127.0.0.1:9002/stats'],
  timeoutOffsetMs: 250,
  listen: { port: 9117 },
  telemetryPath: '/metrics',
  logLevel: 'info' as const,
}

describe('a command line that is right', () => {
  test.each([
    [[], {}],
    [['--stats.uri=http://a/stats'], { targets: ['http://a/stats'] }],
    [['--stats.uri', 'http://a/stats'], { targets: ['http://a/stats'] }],
    [
      ['--stats.uri=http://a,https://b:1/x?y=z', '--stats.uri=http://c'],
      { targets: ['http://a', 'https://b:1/x?y=z', 'http://c'] },
    ],
    [['--timeout-offset=0'], { timeoutOffsetMs: 0 }],
    [['--timeout-offset', '1.5'], { timeoutOffsetMs: 1500 }],
    [['--web.listen-address=:0'], { listen: { port: 0 } }],
    [['--web.listen-address=localhost:80'], { listen: { hostname: 'localhost', port: 80 } }],
    [['--web.listen-address=[::1]:9117'], { listen: { hostname: '::1', port: 9117 } }],
    [['--web.telemetry-path=/a/b-c_d.e~f'], { telemetryPath: '/a/b-c_d.e~f' }],
    [['--log.level=debug'], { logLevel: 'debug' as const }],
  ])('%j', (args, expected) => {
    expect(readConfig(args)).toEqual({ config: { ...DEFAULTS, ...expected } })
  })
})

describe('a command line that is wrong', () => {
  test.each([
    [['--stats.url=http://a'], ['--stats.url is not a flag: did you mean --stats.uri?']],
    [['--stats.url', 'http://a'], ['--stats.url is not a flag: did you mean --stats.uri?']],
    [['--web.listen-adress=:1'], ['--web.listen-adress is not a flag: did you mean --web.listen-address?']],
    [['http://a'], ['unexpected argument "http://a"']],
    [['-v'], ['unexpected argument "-v"']],
    [['--stats.uri'], ['--stats.uri needs a value: URI']],
    [['--stats.uri', '--log.level=warn'], ['--stats.uri needs a value: URI']],
    [['--version=1'], ['--version takes no value']],
    [['--log.level=info', '--log.level=warn'], ['--log.level is given more than once']],
    [['--stats.uri='], ['--stats.uri= is not allowed: must be an http:// or https:// address']],
    [['--stats.uri=a:1717'], ['--stats.uri=a:1717 is not allowed: must be an http:// or https:// address']],
    [
      ['--stats.uri=http://a:x'],
      ['--stats.uri=http://a:x is not allowed: must be an http:// or https:// address'],
    ],
    [['--stats.uri=http://a,http://a'], ['--stats.uri=http://a is given more than once']],
    [['--timeout-offset=-1'], ['--timeout-offset=-1 is not allowed: must be a number of seconds from 0 up']],
    [['--timeout-offset=1s'], ['--timeout-offset=1s is not allowed: must be a number of seconds from 0 up']],
    [
      ['--web.listen-address=9117'],
      ['--web.listen-address=9117 is not allowed: must be host:port or :port with a port from 0 to 65535'],
    ],
    [
      ['--web.listen-address=:65536'],
      ['--web.listen-address=:65536 is not allowed: must be host:port or :port with a port from 0 to 65535'],
    ],
    [
      ['--web.telemetry-path=/a b'],
      [
        '--web.telemetry-path=/a b is not allowed: must be a path such as /metrics, of letters, digits and ._~-/',
      ],
    ],
    [['--log.level=loud'], ['--log.level=loud is not allowed: must be one of debug, info, warn, error']],
    [
      ['--log.level=loud', '--nonsense', '--timeout-offset=x'],
      [
        '--nonsense is not a flag: did you mean --log.level?',
        '--timeout-offset=x is not allowed: must be a number of seconds from 0 up',
        '--log.level=loud is not allowed: must be one of debug, info, warn, error',
      ],
    ],
  ])('%j', (args, problems) => {
    expect(readConfig(args)).toEqual({ problems })
  })
})

test('--help names every flag, by group, with its default', () => {
  const invocation = readConfig(['--help'])
  const text = 'print' in invocation ? invocation.print : ''
  for (const flag of FLAGS) expect(text).toContain(`  --${flag.name}`)
  expect(text).toMatchInlineSnapshot(`
    "usage: exporter [flags]

    Targets:
      --stats.uri=URI
          where a process family answers with its stats document; repeat it or separate with commas for several (default http://127.0.0.1:9000/stats,http://127.0.0.1:9001/stats,http://127.0.0.1:9002/stats)
      --timeout-offset=SECONDS
          how much earlier than the scraper a target is given up on (default 0.25)

    Web:
      --web.listen-address=ADDRESS
          host:port to serve on, :port for every interface; port 0 takes a free one (default :9117)
      --web.telemetry-path=PATH
          path of the metrics (default /metrics)

    Other:
      --log.level=LEVEL
          least severe level that is logged: debug, info, warn, error (default info)
      --version
          print the version
      --help
          print this
    "
  `)
  expect(readConfig(['-h'])).toEqual(invocation)
})

test('--version prints the version, whatever else is given', () => {
  expect(readConfig(['--version', '--nonsense'])).toEqual({
    print: expect.stringMatching(/^exporter \d+\.\d+\.\d+ \(bun /),
  })
})

test('the README has every flag with its default', async () => {
  const readme = await Bun.file(`${import.meta.dir}/README.md`).text()
  for (const { name, defaults } of FLAGS) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`--${name}`))
    expect(row).toBeDefined()
    for (const value of defaults) expect(row).toContain(value)
  }
})
