/**
 * The variables that Kubernetes sets for each Service of the namespace (`enableServiceLinks`). Those of a Service that is named like
 * the prefix of a cluster look like settings: `HELLO_PORT=tcp://10.0.0.1:80`.
 */
/** Environment variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

const PORT_OF_SERVICE = /^(tcp|udp|sctp):\/\//
const AFTER_THE_NAME = /^_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/
const HOST = '_SERVICE_HOST'

/** @returns the names of such variables that start with the prefix. A port that was set as a number is not one of them. */
export function serviceLinks(prefix: string, env: Environment): string[] {
  const names = Object.keys(env).filter((name) => name.startsWith(`${prefix}_`))
  const services = names.filter((name) => name.endsWith(HOST)).map((name) => name.slice(0, -HOST.length))
  return names.filter((name) =>
    services.some(
      (service) =>
        name.startsWith(service) &&
        (AFTER_THE_NAME.test(name.slice(service.length)) ||
          (name === `${service}_PORT` && PORT_OF_SERVICE.test(env[name] ?? ''))),
    ),
  )
}
