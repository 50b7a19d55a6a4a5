/** Cases for rules/capacity.yml. */

import { type AlertCase, always, of } from './series.ts'

const host = { job: 'node', instance: 'node:9100' }
const disk = { ...host, device: '/dev/sda1', fstype: 'ext4', mountpoint: '/' }
const TEMPORARY = ['tmpfs', 'ramfs', 'overlay', 'squashfs', 'fuse.lxcfs', 'nsfs', 'autofs'].map((fstype) =>
  Object.assign({}, host, { device: fstype, fstype, mountpoint: `/${fstype}` }),
)
const avail = (labels = disk) => of('node_filesystem_avail_bytes', labels)
const size = (labels = disk) => of('node_filesystem_size_bytes', labels)
const available = of('node_memory_MemAvailable_bytes', host)
const total = of('node_memory_MemTotal_bytes', host)

export const capacityCases: Record<string, readonly AlertCase[]> = {
  DiskFillsUp: [
    {
      claim: '39 % free and full in 23.8 hours, for half an hour',
      // Of 10 bytes there are 0.000455 less every 10 s. It has fallen since the start.
      series: { [avail()]: '3.9-0.000455x400', [size()]: '10x400' },
      looks: { '31m': [{ labels: disk }] },
      fires: [1810],
    },
    {
      claim: 'full in 24.7 hours',
      series: { [avail()]: '3.9-0.00043x400', [size()]: '10x400' },
      looks: { '31m': [] },
    },
    {
      claim: '41 % free and full within a day',
      series: { [avail()]: '4.1-0.0005x400', [size()]: '10x400' },
      looks: { '31m': [] },
    },
    {
      claim: 'temporary file systems',
      series: Object.fromEntries(
        TEMPORARY.flatMap((each) => [
          [avail(each), '3.9-0.0005x400'],
          [size(each), '10x400'],
        ]),
      ),
      looks: { '31m': [] },
    },
    {
      claim: 'a large file is copied to the disk',
      series: { [avail()]: '3.9x60 3.9-0.02x89 2.12x300', [size()]: '10x600' },
      looks: { '31m': [], '41m': [], '55m': [] },
    },
    {
      claim: 'it fell for six hours, and has not for seven',
      series: { [avail()]: '5-0.0006x2160 3.7x2700', [size()]: '10x4900' },
      looks: { '13h': [] },
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
      claim: 'a disc that nothing can be written to',
      series: {
        [avail()]: always(0),
        [size()]: always(1000),
        [of('node_filesystem_readonly', disk)]: always(1),
      },
      looks: { '15m': [] },
    },
    {
      claim: 'temporary file systems',
      series: Object.fromEntries(
        TEMPORARY.flatMap((each) => [
          [avail(each), always(1)],
          [size(each), always(1000)],
        ]),
      ),
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
      claim: '29 % available, and none in 3.9 hours',
      series: { [available]: '2.9-0.00205x180', [total]: always(10) },
      looks: { '16m': [{ labels: host }] },
      fires: [910],
    },
    {
      claim: '29 % available, and some in 4.1 hours',
      series: { [available]: '2.9-0.00185x180', [total]: always(10) },
      looks: { '25m': [] },
    },
    {
      claim: '31 % available, which fall below 30 % after seven minutes',
      series: { [available]: '3.1-0.0023x180', [total]: always(10) },
      looks: { '20m': [] },
    },
    {
      claim: 'a process that starts takes 8 % within five minutes',
      series: { [available]: '2.8x60 2.8-0.027x29 2x180', [total]: '10x400' },
      looks: { '18m': [], '26m': [], '35m': [] },
    },
    {
      claim: 'it fell for an hour, and has not for 70 minutes',
      series: { [available]: '4-0.004x360 2.56x600', [total]: '10x1000' },
      looks: { '140m': [] },
    },
    {
      claim: '40 % available, and none in four hours',
      series: { [available]: '400-0.3x180', [total]: always(1000) },
      looks: { '20m': [] },
    },
  ],
}
