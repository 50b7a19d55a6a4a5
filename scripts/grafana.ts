/**
 * Grafana for the local stack, if it is installed: provisioned from monitoring/grafana, read-only, without a login and without calls
 * to other hosts. It needs the folder of its web pages, which is in another place in each packaging.
 */
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type External, ROOT } from './external.ts'

/** @param data a folder of its own @returns undefined if the web pages of the program cannot be found. */
export function grafana(
  program: string,
  address: string,
  prometheusUrl: string,
  data: string,
): External | undefined {
  const homepath = findHomepath(program)
  if (!homepath) return undefined

  const { hostname, port } = new URL(`http://${address}`)
  const folder = join(ROOT, 'monitoring/grafana')
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

/** Viewers need no login, and Grafana calls no other hosts. compose.yml has the same settings; a test compares the two. */
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

/** Finds the folder that holds `public/`, in the places of a tar archive, of Homebrew, and of packages for Debian and Fedora. */
function findHomepath(program: string): string | undefined {
  const beside = dirname(dirname(realpathSync(program)))
  const folders = [Bun.env.GF_PATHS_HOME, beside, join(beside, 'share/grafana'), '/usr/share/grafana']
  return folders.find((folder) => folder !== undefined && existsSync(join(folder, 'public')))
}
