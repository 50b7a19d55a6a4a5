/** Loads a script of k6: gives it `__ENV` and the modules of k6, and says in one line what it lacks. */

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Options } from './options.ts'
import { checkKeys, Unsupported } from './shared/unsupported.ts'

/** The functions and values that k6 looks for in a script. */
export interface Script {
  options?: Options
  setup?: () => unknown
  default: (data: unknown) => unknown
  teardown?: (data: unknown) => unknown
  handleSummary: (data: unknown) => Record<string, string> | Promise<Record<string, string>>
}

const EXPORTS = ['options', 'setup', 'default', 'teardown', 'handleSummary']

/**
 * @param modules those that the script may import from k6, by their specifiers
 * @throws Error when the script cannot be loaded; Unsupported when it needs more than the runner has
 */
export async function loadScript(
  path: string,
  env: Record<string, string | undefined>,
  modules: Record<string, Record<string, unknown>>,
): Promise<Script> {
  Bun.plugin({
    name: 'k6',
    setup(build) {
      for (const [specifier, exports] of Object.entries(modules))
        build.module(specifier, () => ({ loader: 'object', exports }))
    },
  })
  Object.assign(globalThis, { __ENV: env })
  if (!(await Bun.file(path).exists())) throw new Error(`there is no script ${path}`)
  const script = await importScript(path)
  checkKeys('the export', script, EXPORTS)
  for (const name of ['default', 'handleSummary'] as const)
    if (typeof script[name] !== 'function') throw new Unsupported(`scripts without the export "${name}"`)
  return script
}

async function importScript(path: string): Promise<Script> {
  try {
    return await import(pathToFileURL(resolve(path)).href)
  } catch (error) {
    throw explain(error as Error & { specifier?: string })
  }
}

/** What Bun says about an import of k6, or from the internet, that it cannot find. */
function explain(error: Error & { specifier?: string }): Error {
  const { message, specifier = '' } = error
  if (specifier.startsWith('k6')) return new Unsupported(`the module ${specifier}`)
  const [, name, module] = /^Export named '([^']+)' not found in module '(k6[^']*)'/.exec(message) ?? []
  if (name !== undefined) return new Unsupported(`"${name}" of the module ${module}`)
  const [, url] = /"(https?:[^"]+)"/.exec(message) ?? []
  return url === undefined ? error : new Unsupported(`imports from the internet (${url})`)
}
