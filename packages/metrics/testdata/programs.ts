/** For tests of compatibility: programs that run with prom-client and with ours. */
import type * as promClient from 'prom-client'
import * as own from '../index.ts'
import { type Client, jsonOf, samplesOf } from './samples.ts'

export const ours = own as unknown as Client

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
  return { ...outcome, page: samplesOf(await registry.metrics()), json: await jsonOf(registry) }
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
