import { expect, test } from 'bun:test'
import { automaticWorkers, readCpuQuota } from './parallelism.ts'

const quotaOf = (files: Record<string, string>) =>
  readCpuQuota((path) => {
    const text = files[path]
    if (text === undefined) throw new Error('ENOENT')
    return text
  })

test.each<[processors: number, quota: number, workers: number]>([
  [8, Infinity, 8],
  [8, 2, 2],
  [8, 2.9, 2],
  [8, 1.999, 1],
  [8, 0.5, 1],
  [2, 4, 2],
  [1, Infinity, 1],
])('%d processors and a quota of %d are %d workers', (processors, quota, workers) => {
  expect(automaticWorkers(processors, quota)).toBe(workers)
})

test.each<[string, Record<string, string>, number]>([
  ['no cgroup', {}, Infinity],
  [
    'version 2 without a quota',
    { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' },
    Infinity,
  ],
  [
    'version 2 in a container',
    { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '150000 100000\n' },
    1.5,
  ],
  [
    'version 2 with a quota above and a larger one below',
    {
      '/proc/self/cgroup': '0::/a/b.service\n',
      '/sys/fs/cgroup/a/b.service/cpu.max': '400000 100000\n',
      '/sys/fs/cgroup/a/cpu.max': '200000 100000\n',
      '/sys/fs/cgroup/cpu.max': 'max 100000\n',
    },
    2,
  ],
  [
    'version 1',
    {
      '/proc/self/cgroup': '12:memory:/x\n4:cpu,cpuacct:/docker/1\n0::/\n',
      '/sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us': '300000\n',
      '/sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us': '100000\n',
    },
    3,
  ],
  [
    'version 1 in a container, which sees its own files at the root',
    {
      '/proc/self/cgroup': '4:cpu:/docker/1\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    0.5,
  ],
  [
    'version 1 without a quota',
    {
      '/proc/self/cgroup': '4:cpu:/\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    Infinity,
  ],
])('%s', (_, files, quota) => expect(quotaOf(files)).toBe(quota))

test('of this process both can be read', () => {
  expect(automaticWorkers()).toBeGreaterThanOrEqual(1)
  expect(readCpuQuota()).toBeGreaterThan(0)
})
