/** Loads the module that `prefork` runs: any module whose default export has `fetch`, as `bun app.ts` itself would serve. */
import { resolve } from 'node:path'
import { StartError } from '../shared/bind.ts'
import type { Routes } from '../worker/map_routes.ts'
import type { HttpOptions } from '../worker/serve_http.ts'

/** The part of an Elysia app that is needed here. Its own types would make Elysia a dependency of every app. */
export interface ElysiaApp {
  fetch(request: Request): Response | Promise<Response>
  compile(): unknown
  modules: Promise<unknown>
  server: Bun.Server<any> | null
  config: { websocket?: object; serve?: Pick<HttpOptions, 'idleTimeout' | 'maxRequestBodySize'> }
  routes: readonly { hooks: { error?: unknown } }[]
  event: Record<'start' | 'stop' | 'error', readonly { fn: (app: unknown) => unknown }[] | undefined>
}

/** Bun's convention for a default export. */
export type AppModule = Omit<HttpOptions, 'close' | 'fetch'> & { fetch?: HttpOptions['fetch'] }

/**
 * Resolves the file anew each time, so that a link in its path leads to new code after a reload.
 * @throws {StartError} if the module has no such default export.
 */
export async function loadApp(file: string): Promise<AppModule | ElysiaApp> {
  const { default: app } = (await import(resolve(file))) as { default?: Record<string, unknown> }
  if (typeof app?.fetch !== 'function' && !isRoutes(app?.routes)) {
    throw new StartError(
      `${file} has no default export with \`fetch\`: write \`export default { fetch(request) { … } }\`, or export the app of ` +
        'Hono or Elysia. Apps on node:http (Express, Fastify) cannot run in workers (oven-sh/bun#43690)',
    )
  }
  if ('pendingRequests' in app! || isListening(app)) {
    throw new StartError(`${file} listens itself: export the app without calling \`listen\` or \`Bun.serve\``)
  }
  return app as unknown as AppModule | ElysiaApp
}

/** Bun's `routes`, and not the list that an app of Hono has under this name. */
export const isRoutes = (routes: unknown): routes is Routes =>
  typeof routes === 'object' && routes !== null && !Array.isArray(routes)

export const isElysia = (app: AppModule | ElysiaApp): app is ElysiaApp =>
  'compile' in app && 'event' in app && 'modules' in app

const isListening = (app: Record<string, unknown>): boolean => 'compile' in app && Boolean(app.server)
