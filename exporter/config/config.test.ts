/** How a command line is read: configurations and exact messages. */
import { describe, expect, test } from 'bun:test'
import { readConfig } from './config.ts'
import { FLAGS } from './settings.ts'

const DEFAULTS = {
  targets: ['http://127.0.0.1:9000/stats', 'http://127.0.0.1:9001/stats', 'http://127.0.0.1:9002/stats'],
  maxBytes: 67_108_864,
  timeoutOffsetMs: 250,
  namespace: 'prefork',
  collectCores: false,
  allowed: [],
  listen: [{ hostname: '127.0.0.1', port: 9117 }],
  telemetryPath: '/metrics',
  webConfigFile: undefined,
  externalPath: undefined,
  links: ['Prometheus=http://127.0.0.1:9090/', 'Grafana=http://127.0.0.1:3000/'],
  historyMs: 900_000,
  stepMs: 5000,
  logLevel: 'info',
  logFormat: 'json',
}

/** Targets are tested in target.test.ts, --probe.allow in web/probe.test.ts. */
function read(args: readonly string[]): object {
  const invocation = readConfig(args)
  if (!('config' in invocation)) return invocation
  const { targets, allowed, links, ...rest } = invocation.config
  const names = allowed.map((each) => ('name' in each ? each.name : 'network'))
  return {
    ...rest,
    allowed: names,
    links: links.map(({ name, url }) => `${name}=${url}`),
    targets: targets.map(({ label }) => label),
  }
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
    [['--web.listen-address=:0'], { listen: [{ port: 0 }] }],
    [['--web.listen-address=:65535'], { listen: [{ port: 65_535 }] }],
    [['--web.listen-address=localhost:80'], { listen: [{ hostname: 'localhost', port: 80 }] }],
    [['--web.listen-address=[::1]:9117'], { listen: [{ hostname: '::1', port: 9117 }] }],
    [
      ['--web.listen-address=127.0.0.1:1', '--web.listen-address=:2'],
      { listen: [{ hostname: '127.0.0.1', port: 1 }, { port: 2 }] },
    ],
    [['--collect.cores', '--metrics.namespace=uwsgi'], { namespace: 'uwsgi', collectCores: true }],
    [['--history=1h', '--history.step=100ms'], { historyMs: 3_600_000, stepMs: 100 }],
    [['--history=0', '--history.step=60s'], { historyMs: 0, stepMs: 60_000 }],
    [['--history=24h'], { historyMs: 86_400_000 }],
    [['--web.external-url=https://example.org/tools/exporter/'], { externalPath: '/tools/exporter' }],
    [['--web.external-url=http://example.org'], { externalPath: '' }],
    [['--web.link=Logs=https://logs.example/?a=b'], { links: ['Logs=https://logs.example/?a=b'] }],
    [['--no-collect.cores'], {}],
    [['--no-version', '--no-help'], {}],
    [['--stats.uri=unix:@stats,unix://@more'], { targets: ['unix:@stats', 'unix://@more'] }],
    [['--web.telemetry-path=/a/b-c_d.e~f'], { telemetryPath: '/a/b-c_d.e~f' }],
    [['--web.telemetry-path=/a/probe'], { telemetryPath: '/a/probe' }],
    [['--log.level=debug', '--log.format=logfmt'], { logLevel: 'debug', logFormat: 'logfmt' }],
    [['--stats.uri=unix:///run/a,tcp://a:1'], { targets: ['unix:///run/a', 'tcp://a:1'] }],
    [['--stats.max-bytes=1048576'], { maxBytes: 1_048_576 }],
    [['--metrics.namespace', 'uwsgi', '--collect.cores'], { namespace: 'uwsgi', collectCores: true }],
    [['--web.config.file=web.yml'], { webConfigFile: 'web.yml' }],
    [['--probe.allow=Dogs,10.0.0.0/8'], { allowed: ['dogs', 'network'] }],
  ])('%j', (args, expected) => {
    expect(read(args)).toEqual({ ...DEFAULTS, ...expected })
  })
})

const URIS = 'http://, https:// or tcp:// with a host, unix:///path or unix:@name, without user and password'

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
    [['--stats.uri='], [`--stats.uri= is not allowed: must be ${URIS}`]],
    [['--stats.uri=ftp://a'], [`--stats.uri=ftp://a is not allowed: must be ${URIS}`]],
    [['--stats.uri=http://a:x'], [`--stats.uri=http://a:x is not allowed: must be ${URIS}`]],
    [
      ['--stats.max-bytes=5'],
      ['--stats.max-bytes=5 is not allowed: must be a number of bytes from 1048576 up'],
    ],
    [
      ['--probe.allow=a b'],
      ['--probe.allow=a b is not allowed: must be a host name, an address, or a network such as 10.0.0.0/8'],
    ],
    [
      ['--metrics.namespace=nginx'],
      ['--metrics.namespace=nginx is not allowed: must be one of prefork, uwsgi'],
    ],
    [['--collect.cores'], ['--collect.cores needs --metrics.namespace=uwsgi']],
    [['--collect.cores=true'], ['--collect.cores takes no value']],
    [['--no-collect.cores=true'], ['--no-collect.cores is not a flag: did you mean --collect.cores?']],
    [
      ['--collect.cores', '--no-collect.cores', '--metrics.namespace=uwsgi'],
      ['--collect.cores is given more than once'],
    ],
    [['--no-log.level'], ['--no-log.level is not a flag: did you mean --log.level?']],
    [['--no-nonsense', 'x'], ['--no-nonsense is not a flag: did you mean --log.level?']],
    [['--web.telemetry-path=/probe'], ['--web.telemetry-path=/probe is already the path of another page']],
    [
      ['--web.telemetry-path=/live.json'],
      ['--web.telemetry-path=/live.json is already the path of another page'],
    ],
    [['--web.telemetry-path=/page/x'], ['--web.telemetry-path=/page/x is already the path of another page']],
    [
      ['--history=25h'],
      ['--history=25h is not allowed: must be a time such as 90s, 15m or 1h, at most 24h, or 0'],
    ],
    [
      ['--history=15'],
      ['--history=15 is not allowed: must be a time such as 90s, 15m or 1h, at most 24h, or 0'],
    ],
    [['--history.step=99ms'], ['--history.step=99ms is not allowed: must be a time from 100ms to 60s']],
    [['--history.step=60001ms'], ['--history.step=60001ms is not allowed: must be a time from 100ms to 60s']],
    [['--history.step=61s'], ['--history.step=61s is not allowed: must be a time from 100ms to 60s']],
    [['--web.config.file='], ['--web.config.file= is not allowed: must be a path']],
    [
      ['--stats.max-bytes=1048575'],
      ['--stats.max-bytes=1048575 is not allowed: must be a number of bytes from 1048576 up'],
    ],
    [
      ['--web.lnik=a', 'b'],
      ['--web.lnik is not a flag: did you mean --web.link?', 'unexpected argument "b"'],
    ],
    [
      ['--web.lnik', 'a', 'b'],
      ['--web.lnik is not a flag: did you mean --web.link?', 'unexpected argument "b"'],
    ],
    ...['ftp://a/b', 'https://a/b?c=d', 'https://a/b#c'].map((url): [string[], string[]] => [
      [`--web.external-url=${url}`],
      [`--web.external-url=${url} is not allowed: must be an http or https URL without query`],
    ]),
    [
      ['--web.external-url=/tools'],
      ['--web.external-url=/tools is not allowed: must be an http or https URL without query'],
    ],
    [
      ['--web.link=http://a'],
      [
        '--web.link=http://a is not allowed: must be a name and an http or https URL such as Prometheus=http://127.0.0.1:9090/',
      ],
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
    [
      ['--web.telemetry-path=/a/../metrics'],
      [
        '--web.telemetry-path=/a/../metrics is not allowed: must be a path such as /metrics, of letters, digits and ._~-/',
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
          address of the stats document of a process cluster; repeat it or separate with commas for several (default http://127.0.0.1:9000/stats,http://127.0.0.1:9001/stats,http://127.0.0.1:9002/stats)
      --stats.max-bytes=BYTES
          size limit of a stats document, and of all documents that are being read at the same time (default 67108864)
      --timeout-offset=SECONDS
          a target must respond this much earlier than the timeout of the scraper (default 0.25)
      --probe.allow=HOST
          host name, address or network that /probe may read besides the targets above; repeat it or separate with commas

    Metrics:
      --metrics.namespace=NAMESPACE
          names of the metrics: prefork, uwsgi (default prefork)
      --collect.cores
          metrics of each core, with --metrics.namespace=uwsgi; a large document has tens of thousands

    Web:
      --web.listen-address=ADDRESS
          host:port to serve on, :port for every interface; port 0 takes a free one; repeat it for several (default 127.0.0.1:9117)
      --web.telemetry-path=PATH
          path of the metrics (default /metrics)
      --web.config.file=FILE
          TLS and basic authentication, in the format of Prometheus' exporter-toolkit
      --web.external-url=URL
          URL of the exporter behind a proxy: requests may have its path as prefix
      --web.link=NAME=URL
          link of the live page, shown while the URL responds; repeat it or separate with commas for several (default Prometheus=http://127.0.0.1:9090/,Grafana=http://127.0.0.1:3000/)

    Other:
      --log.level=LEVEL
          lowest level that is logged: debug, info, warn, error (default info)
      --log.format=FORMAT
          format of log lines: json, logfmt (default json)
      --version
          print the version
      --help
          print this

    Live page:
      --history=TIME
          time that the charts of the live page show; 0 keeps nothing (default 15m)
      --history.step=TIME
          time between two points of the charts, and between two readings for them (default 5s)
    "
  `)
  expect(readConfig(['-h'])).toEqual(invocation)
})

test('--version prints the version and ignores other flags', () => {
  expect(readConfig(['--version', '--nonsense'])).toEqual({
    print: expect.stringMatching(/^exporter \d+\.\d+\.\d+ \(bun /),
  })
})

test('the README has every flag with its default', async () => {
  const readme = await Bun.file(`${import.meta.dir}/../README.md`).text()
  for (const { name, defaults } of FLAGS) {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`--${name}`))
    expect(row).toBeDefined()
    for (const value of defaults) expect(row).toContain(value)
  }
})
