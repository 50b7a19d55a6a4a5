/**
 * Grafana for the local stack, where its program is installed: provisioned from monitoring/grafana, read-only, without
 * a login and without a call home. It needs the folder of its web pages, which each packaging keeps elsewhere.
 */
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type External, ROOT } from './external.ts'

/** Undefined where the pages that belong to the program cannot be found. */
export function grafana(program: string, address: string, prometheusUrl: string): External | undefined {
  const homepath = findHomepath(program)
  if (!homepath) return undefined

  const { hostname, port } = new URL(`http://${address}`)
  const folder = join(ROOT, 'monitoring/grafana')
  const data = join(ROOT, '.run/grafana')
  return {
    name: 'grafana',
    command: [program, 'server', `--homepath=${homepath}`],
    env: {
      GF_SERVER_HTTP_ADDR: hostname,
      GF_SERVER_HTTP_PORT: port,
      GF_PATHS_DATA: data,
      GF_PATHS_LOGS: join(data, 'log'),
      GF_PATHS_PLUGINS: join(data, 'plugins'),
      GF_PATHS_PROVISIONING: join(folder, 'provisioning'),
      GF_LOG_MODE: 'console',
      GF_LOG_LEVEL: 'warn',
      ...grafanaSettings,
      GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: join(folder, 'dashboards/overview.json'),
      DASHBOARDS_PATH: join(folder, 'dashboards'),
      PROMETHEUS_URL: prometheusUrl,
    },
    url: `http://${address}`,
    readyPath: '/api/health',
  }
}

/** A viewer without a login, and nothing that calls other hosts. compose.yml sets the same; a test compares the two. */
export const grafanaSettings: Record<string, string> = {
  GF_AUTH_ANONYMOUS_ENABLED: 'true',
  GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
  GF_AUTH_DISABLE_LOGIN_FORM: 'true',
  GF_USERS_ALLOW_SIGN_UP: 'false',
  GF_ANALYTICS_REPORTING_ENABLED: 'false',
  GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
  GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
  GF_NEWS_NEWS_FEED_ENABLED: 'false',
  GF_PLUGINS_PREINSTALL_DISABLED: 'true',
}

/** The folder that holds `public/`: of a tar archive, of Debian's and RPM's package, of Homebrew. */
function findHomepath(program: string): string | undefined {
  const beside = dirname(dirname(realpathSync(program)))
  const folders = [Bun.env.GF_PATHS_HOME, beside, join(beside, 'share/grafana'), '/usr/share/grafana']
  return folders.find((folder) => folder !== undefined && existsSync(join(folder, 'public')))
}
