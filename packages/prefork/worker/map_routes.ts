/** Wraps the handlers of Bun's `routes`, in all the forms that they may have. */
import type { Handler } from './count_requests.ts'

export type Routes = Readonly<Record<string, unknown>>

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'])

/**
 * @param wrap gets each handler with the pattern of its route. A fixed response becomes a handler that returns it; what Bun serves by
 * itself (files, folders, HTML bundles) is left as it is.
 */
export function mapRoutes(routes: Routes, wrap: (handler: Handler, route: string) => Handler): Routes {
  const mapped = (value: unknown, route: string): unknown => {
    if (typeof value === 'function') return wrap(value as Handler, route)
    if (value instanceof Response) return wrap(() => value.clone(), route)
    if (!isByMethod(value)) return value
    return Object.fromEntries(Object.entries(value).map(([method, each]) => [method, mapped(each, route)]))
  }
  return Object.fromEntries(Object.entries(routes).map(([route, value]) => [route, mapped(value, route)]))
}

const isByMethod = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  Object.getPrototypeOf(value) === Object.prototype &&
  Object.keys(value).every((key) => METHODS.has(key))
