/** The text that `bun run up` prints once everything runs: addresses, the next command, and how to get what is missing. */
import { sep } from 'node:path'
import { services } from '../services/names.ts'
import type { StackUrls } from './stack.ts'

const DEFAULT_GATEWAY = 'http://127.0.0.1:8000'

/**
 * @param adminPassword of the admin pages in this run, if they have no other
 * @param find says where a program is, as Bun.which does
 * @param program that runs this
 */
export function welcome(
  urls: StackUrls,
  adminPassword: string | undefined,
  find: (program: string) => string | null = Bun.which,
  program = process.execPath,
): string {
  const rows = [
    ['gateway', `${urls.gateway}/`, 'start here: a page that links to everything'],
    ...services.map((name) => [
      name,
      `${urls.gateway}/${name}/`,
      `API docs at ${urls.gateway}/${name}/swagger`,
    ]),
    ['live page', `${urls.exporter}/`, 'workers, requests per second, latency, memory, as they are now'],
    ...(urls.prometheus ? [['Prometheus', urls.prometheus]] : []),
    ...(urls.grafana ? [['Grafana', urls.grafana]] : []),
  ]
  const address = urls.gateway === DEFAULT_GATEWAY ? '' : ` -e BASE_URL=${urls.gateway}`
  return [
    '',
    'Everything is ready:',
    ...rows.map(([name, url, note = '']) => `  ${name!.padEnd(11)} ${url!.padEnd(30)}${note}`.trimEnd()),
    ...missing(urls, find),
    '',
    `  make the graphs move, in another terminal: ${bunOf(program)} run load stress${address}`,
    '  Ctrl+C stops everything',
    ...(adminPassword === undefined
      ? []
      : [
          `  admin pages, such as ${urls.gateway}/${services[0]}/admin/: user admin, password ${adminPassword} (for this run)`,
        ]),
    '',
  ].join('\n')
}

/** How another terminal starts Bun: npx has it in a folder that is not on PATH there. */
export const bunOf = (program = process.execPath): string =>
  program.includes(`${sep}_npx${sep}`) ? `npx -y bun@${Bun.version}` : 'bun'

/** One line about the first program that is missing. Grafana needs Prometheus. */
function missing(
  { prometheus, grafana }: StackUrls,
  find: (program: string) => string | null,
): readonly string[] {
  if (!prometheus)
    return [
      `  Prometheus is not installed: ${howToInstall('prometheus', find)}. The live page has graphs meanwhile.`,
    ]
  if (!grafana)
    return [
      `  Grafana is not installed: ${howToGetGrafana(find)}. Prometheus and the live page have graphs meanwhile.`,
    ]
  return []
}

const managers = {
  brew: (name: string) => `brew install ${name}`,
  // Debian's package starts a server of its own, which would take the port. A container has no systemd.
  'apt-get': (name: string, asRoot: string, isContainer: boolean) =>
    `${asRoot}apt-get install ${name}` + (isContainer ? '' : ` && ${asRoot}systemctl disable --now ${name}`),
  apk: (name: string, asRoot: string) => `${asRoot}apk add ${name}`,
  pacman: (name: string, asRoot: string) => `${asRoot}pacman -S ${name}`,
}

/** The command of the package manager that is there. */
export function howToInstall(name: string, find: (program: string) => string | null = Bun.which): string {
  const manager = Object.entries(managers).find(([program]) => find(program) !== null)
  if (manager === undefined) return withoutManager(name, find)
  const asRoot = find('sudo') === null ? '' : 'sudo '
  return `${manager[1](name, asRoot, find('systemctl') === null)}, then start again`
}

/** Linux distributions have no package of it. */
const howToGetGrafana = (find: (program: string) => string | null): string =>
  find('brew') === null ? withoutManager('grafana', find) : howToInstall('grafana', find)

const downloads: Readonly<Record<string, string>> = {
  prometheus: 'https://prometheus.io/download',
  grafana: 'https://grafana.com/grafana/download',
}

const withoutManager = (name: string, find: (program: string) => string | null): string =>
  find('docker') === null ? `see ${downloads[name]}` : 'use "docker compose up --build" instead'
