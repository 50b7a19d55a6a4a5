/** The metrics page as an HTTP answer: Prometheus text format 0.0.4. */
import type { Registry } from 'prom-client'

export async function page(registry: Registry): Promise<Response> {
  return new Response(await registry.metrics(), { headers: { 'Content-Type': registry.contentType } })
}
