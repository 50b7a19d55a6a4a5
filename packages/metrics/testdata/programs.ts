/** For tests of compatibility: programs that run with prom-client and with ours. */
import type * as promClient from 'prom-client'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as own from '../index.ts'
import { type Client, jsonOf, linesOf } from './samples.ts'

export const ours = own as unknown as Client

/** Each registry is that of a worker: its numbers are in a segment of its own. */
class SegmentRegistry extends own.Registry {
  constructor(contentType?: string) {
    super(contentType, sharedStore())
  }
}

function sharedStore() {
  const folder = mkdtempSync(join(tmpdir(), 'metrics-program-'))
  const shared = own.Segment.create('program', { slots: 1, regionBytes: 64 * 1024 }, folder).writer(0)
  rmSync(folder, { recursive: true })
  return shared
}

export const oursInSegment = { ...own, Registry: SegmentRegistry } as unknown as Client

/** A program: all its metrics go to the registry that it is given. */
export type Program = (client: Client, registry: promClient.Registry) => unknown

export async function outcomeOf(client: Client, program: Program) {
  const registry = new client.Registry()
  const outcome: { returned?: unknown; error?: string } = {}
  try {
    outcome.returned = await program(client, registry)
  } catch (error) {
    outcome.error = `${(error as Error).name}: ${(error as Error).message}`
  }
  return { ...outcome, page: linesOf(await registry.metrics()), json: await jsonOf(registry) }
}

/** The options that most programs use, and a way to pass values of the wrong type. */
export const options = (registry: promClient.Registry, labelNames: string[] = []) => ({
  name: 'jobs',
  help: 'Help',
  labelNames,
  registers: [registry],
})
export const wrong = (value: unknown) => value as never

export const AB = ['a', 'b']
