/** Cases for rules/capacity.yml. */

import { type AlertCase, always, of } from './series.ts'

const host = { job: 'node', instance: 'node:9100' }
const disk = { ...host, device: '/dev/sda1', fstype: 'ext4', mountpoint: '/' }
const temporary = { ...host, device: 'tmpfs', fstype: 'tmpfs', mountpoint: '/run' }
const avail = (labels = disk) => of('node_filesystem_avail_bytes', labels)
const size = (labels = disk) => of('node_filesystem_size_bytes', labels)
const available = of('node_memory_MemAvailable_bytes', host)
const total = of('node_memory_MemTotal_bytes', host)

export const capacityCases: Record<string, readonly AlertCase[]> = {
  DiskFillsUp: [
    {
      claim: '39 % free and full within a day, for half an hour',
      // 1000 bytes, and 0.005 bytes less every 10 s: 43 a day less than there are. It has fallen since the start.
      series: { [avail()]: '390-0.05x400', [size()]: '1000x400' },
      looks: { '29m': [], '31m': [{ labels: disk }] },
    },
    {
      claim: '41 % free and full within a day',
      series: { [avail()]: '430-0.05x400', [size()]: '1000x400' },
      looks: { '31m': [] },
    },
    {
      claim: 'full in more than a day',
      series: { [avail()]: '390-0.04x400', [size()]: '1000x400' },
      looks: { '31m': [] },
    },
    {
      claim: 'a temporary file system',
      series: { [avail(temporary)]: '39-0.05x400', [size(temporary)]: '1000x400' },
      looks: { '31m': [] },
    },
  ],
  DiskNearlyFull: [
    {
      claim: '9.8 % free for ten minutes',
      series: { [avail()]: '100x5 98x180', [size()]: always(1000) },
      looks: { '650s': [], '660s': [{ labels: disk, value: '9.8%' }] },
    },
    { claim: '10 % free', series: { [avail()]: always(100), [size()]: always(1000) }, looks: { '15m': [] } },
    {
      claim: 'a temporary file system',
      series: { [avail(temporary)]: always(1), [size(temporary)]: always(1000) },
      looks: { '15m': [] },
    },
  ],
  MemoryRunsOut: [
    {
      claim: '9.8 % available for 15 minutes',
      series: { [available]: '100x5 98x180', [total]: always(1000) },
      looks: { '950s': [], '960s': [{ labels: host }] },
    },
    {
      claim: '10 % available',
      series: { [available]: always(100), [total]: always(1000) },
      looks: { '20m': [] },
    },
    {
      claim: '29 % available, and none in four hours',
      series: { [available]: '290-0.25x180', [total]: always(1000) },
      looks: { '16m': [{ labels: host }] },
    },
    {
      claim: '29 % available, and some in four hours',
      series: { [available]: '290-0.15x180', [total]: always(1000) },
      looks: { '16m': [] },
    },
    {
      claim: '40 % available, and none in four hours',
      series: { [available]: '400-0.3x180', [total]: always(1000) },
      looks: { '20m': [] },
    },
  ],
}
