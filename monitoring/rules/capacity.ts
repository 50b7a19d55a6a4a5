/** Alerts before memory or a disk runs out, from node_exporter. Without node_exporter they have no series and never fire. */

import { type Apps, alertsOf, type RuleFile } from './rule.ts'

/** File systems that hold data; the others are of the kernel or of containers. */
const disks = 'fstype!~"tmpfs|ramfs|overlay|squashfs|fuse.*|nsfs|autofs"'
/** An image or a disc is always full. */
const available = `(node_filesystem_avail_bytes{${disks}} unless node_filesystem_readonly == 1)`
const trend = `node_filesystem_avail_bytes{${disks}}`
const free = `${available} / node_filesystem_size_bytes`
const memory = 'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes'

/** A process that starts takes memory once: hence the trend of the last minutes, too. */
const runsOut = (window: string) => `predict_linear(node_memory_MemAvailable_bytes[${window}], 4 * 3600) < 0`

export function capacity(apps: Apps): RuleFile {
  const alert = alertsOf(apps)
  const about = {
    app: '{{ $labels.job }}',
    runbook: 'capacity',
    dashboard: 'capacity',
    severity: 'ticket',
  } as const
  return {
    name: 'capacity',
    comment: 'Memory and disks of the hosts, from node_exporter where it runs.',
    groups: [
      {
        name: 'capacity',
        interval: '1m',
        rules: [
          // A copy fills a disk quickly and then ends: hence the trend of the last minutes, and the limit.
          alert('DiskFillsUp', {
            ...about,
            expr: `predict_linear(${trend}[6h], 24 * 3600) < 0\nand predict_linear(node_filesystem_avail_bytes[15m], 24 * 3600) < 0\nand ${free} < 0.4`,
            for: '30m',
            summary: 'the disk {{ $labels.mountpoint }} of {{ $labels.instance }} will be full within a day',
            description: 'At the rate of the last six hours. Free space, or make the disk larger.',
          }),
          alert('DiskNearlyFull', {
            ...about,
            expr: `${free} < 0.1`,
            for: '10m',
            summary:
              '{{ $value | humanizePercentage }} of the disk {{ $labels.mountpoint }} of {{ $labels.instance }} are free',
            description: 'When it is full nothing can be stored. Free space, or make the disk larger.',
          }),
          alert('MemoryRunsOut', {
            ...about,
            expr: `${memory} < 0.1\nor ${runsOut('1h')} and ${runsOut('10m')} and ${memory} < 0.3`,
            for: '15m',
            summary: '{{ $labels.instance }} runs out of memory',
            description:
              'Less than 10 % are available, or at the rate of the last hour nothing is left in four hours. The kernel then kills processes. Find the process that grows, or add memory.',
          }),
        ],
      },
    ],
  }
}
