import { expect, test } from 'bun:test'
import { services } from '../services/names.ts'
import type { StackUrls } from './stack.ts'
import { welcome } from './welcome.ts'

const none = Object.fromEntries(services.map((name) => [name, ''])) as StackUrls['services']
const urls: StackUrls = {
  gateway: 'http://127.0.0.1:8000',
  exporter: 'http://127.0.0.1:9117',
  services: none,
  admin: { gateway: '', ...none },
}
const prometheus = 'http://127.0.0.1:9090'
const grafana = 'http://127.0.0.1:3000'
const having =
  (...programs: string[]) =>
  (program: string) =>
    programs.includes(program) ? `/bin/${program}` : null

test('every address is printed', () => {
  const text = welcome({ ...urls, prometheus, grafana }, undefined, having())
  const paths = services.flatMap((name) => [`/${name}/`, `/${name}/swagger`])
  for (const url of [...paths.map((path) => urls.gateway + path), urls.exporter, prometheus, grafana])
    expect(text).toContain(` ${url}`)
  expect(text).not.toContain('not installed')
})

test('the password of the admin pages is printed if it is of this run', () => {
  expect(welcome(urls, 'x-1', having())).toMatch(
    /^  admin pages, .*\/dogs\/admin\/: user admin, password x-1 /m,
  )
  expect(welcome(urls, undefined, having())).not.toContain('password')
})

test('the next command is the load test, with the address of the gateway where it is not the default', () => {
  expect(welcome(urls, undefined, having())).toMatch(/: (bun|npx -y bun@[\d.]+) run load stress$/m)
  expect(welcome({ ...urls, gateway: 'http://127.0.0.1:8080' }, undefined, having())).toMatch(
    / run load stress -e BASE_URL=http:\/\/127\.0\.0\.1:8080$/m,
  )
})

test('the next command is one that another terminal knows, also where npx has brought Bun', () => {
  const nextAfter = (program: string) =>
    /terminal: (.*)$/m.exec(welcome(urls, undefined, having(), program))![1]!
  expect(nextAfter('/usr/local/bin/bun')).toBe('bun run load stress')
  expect(nextAfter('/home/me/.npm/_npx/8666902f26f2dc1a/node_modules/bun/bin/bun.exe')).toBe(
    `npx -y bun@${Bun.version} run load stress`,
  )
})

test.each([
  [
    ['apt-get', 'sudo', 'systemctl', 'docker'],
    'sudo apt-get install prometheus && sudo systemctl disable --now prometheus, then start again',
  ],
  [['brew'], 'brew install prometheus, then start again'],
  [['apt-get'], 'apt-get install prometheus, then start again'],
  [['apk', 'sudo'], 'sudo apk add prometheus, then start again'],
  [['pacman', 'sudo'], 'sudo pacman -S prometheus, then start again'],
  [['docker'], 'use "docker compose up --build" instead'],
  [[], 'see https://prometheus.io/download'],
])(
  'with %j, one line says how to get Prometheus here, and that the live page has graphs',
  (programs, how) => {
    const lines = welcome(urls, undefined, having(...programs)).split('\n')
    expect(lines.filter((line) => /not installed/.test(line))).toEqual([
      `  Prometheus is not installed: ${how}. The live page has graphs meanwhile.`,
    ])
  },
)

test.each([
  [['apt-get', 'docker'], 'use "docker compose up --build" instead'],
  [['brew', 'docker'], 'brew install grafana, then start again'],
  [['apt-get'], 'see https://grafana.com/grafana/download'],
])('with Prometheus and %j, one line says how to get Grafana here', (programs, how) => {
  expect(welcome({ ...urls, prometheus }, undefined, having(...programs))).toContain(
    `  Grafana is not installed: ${how}. Prometheus and the live page have graphs meanwhile.`,
  )
})
