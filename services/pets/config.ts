/** The settings of a service: those of every process family and the service's own. */
import { type Environment, processSettings, readConfig } from '@bun-monitoring/prefork'
import { type Static, Type } from '@sinclair/typebox'
import { faultSettings } from './faults.ts'
import { type Kind, prefixOf } from './kind.ts'

export const serviceSettings = (kind: Kind) =>
  Type.Object({
    ...processSettings(kind.defaults),
    databasePath: Type.String({
      minLength: 1,
      default: kind.defaults.databasePath,
      description: 'SQLite file; made, with its folder, where it is missing',
    }),
    bodyBytes: Type.Integer({
      minimum: 1,
      maximum: 100_000_000,
      default: 1_048_576,
      description: 'largest request body in bytes; 413 above',
    }),
    requestTimeoutMs: Type.Integer({
      minimum: 1,
      maximum: 3_600_000,
      default: 30_000,
      description: 'milliseconds a request body may take to arrive; 503 after',
    }),
    ...faultSettings,
    url: Type.Optional(
      Type.String({
        description: 'where the gateway reaches this service; read by the gateway, not by the service',
      }),
    ),
  })

export type ServiceConfig = Static<ReturnType<typeof serviceSettings>>

/** @throws ConfigError naming every problem. */
export const serviceConfig = (kind: Kind, env: Environment): ServiceConfig =>
  readConfig(serviceSettings(kind), prefixOf(kind), env)
