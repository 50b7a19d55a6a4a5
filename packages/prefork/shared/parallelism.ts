/** How many workers `WORKERS=auto` means: the processors that this process may use. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { attempt } from './procfs.ts'

/** The processors of the machine or of the affinity mask, at most the CPU quota of the cgroup, at least one. */
export const automaticWorkers = (processors = availableParallelism(), quota = readCpuQuota()): number =>
  Math.max(1, Math.floor(Math.min(processors, quota)))

type Read = (path: string) => string

/**
 * The least CPU quota of this process's cgroup and those above it, in processors. Infinity if there is none.
 * @param read reads a file, and throws if there is no such file
 */
export function readCpuQuota(read: Read = (path) => readFileSync(path, 'utf8')): number {
  const quotas = [...readVersion2(read), ...readVersion1(read)]
  return Math.min(Infinity, ...quotas)
}

/** cgroup v2: `cpu.max` has the quota or `max`, and the period. */
function readVersion2(read: Read): number[] {
  const own = attempt(() => /^0::(.*)$/m.exec(read('/proc/self/cgroup'))?.[1])
  if (own === undefined) return []
  // In a container's own namespace the path is `/`, and its files are at the root of the mount.
  return pathsUpFrom(own).flatMap((path) => {
    const [quota, period] = (attempt(() => read(`/sys/fs/cgroup${path}/cpu.max`)) ?? '').split(' ')
    return quotient(quota, period)
  })
}

/** cgroup v1: a quota of -1 is none. */
function readVersion1(read: Read): number[] {
  const own = attempt(() => /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m.exec(read('/proc/self/cgroup'))?.[1])
  if (own === undefined) return []
  return ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'].flatMap((mount) =>
    pathsUpFrom(own).flatMap((path) => {
      const quota = attempt(() => read(`${mount}${path}/cpu.cfs_quota_us`))
      const period = attempt(() => read(`${mount}${path}/cpu.cfs_period_us`))
      return quotient(quota, period)
    }),
  )
}

/** `/a/b` is `/a/b`, `/a` and the empty path. */
function pathsUpFrom(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, index) =>
    parts
      .slice(0, parts.length - index)
      .map((part) => `/${part}`)
      .join(''),
  )
}

function quotient(quota: string | undefined, period: string | undefined): number[] {
  const processors = Number(quota) / Number(period)
  return processors > 0 && Number.isFinite(processors) ? [processors] : []
}
