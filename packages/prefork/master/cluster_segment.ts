/**
 * The segment of a cluster: the memory that master and workers share. Its size adapts to the room that there is: Docker gives
 * a container 64 MiB of /dev/shm.
 */
import { Segment, SegmentError } from '@bun-monitoring/metrics'
import { accessSync, constants, existsSync, openSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { StartError } from '../shared/bind.ts'
import type { Cluster } from '../shared/cluster.ts'
import { DEFAULT_METRICS_BYTES, type ProcessConfig, variableName } from '../shared/config.ts'
import type { Logger } from '../shared/logger.ts'

export interface SegmentSize {
  slots: number
  regionBytes: number
}

/** The least value of `METRICS_BYTES_PER_WORKER`. */
const LEAST_REGION_BYTES = 65_536

/** The part of the free room that a segment with adapted sizes takes at most. */
const SHARE = 0.9

type SizeSettings = Pick<ProcessConfig, 'workers' | 'maxWorkers' | 'metricsBytesPerWorker'>

/** The sizes without regard to the room. SIGTTIN makes as many workers as there are slots. */
const wishedSize = ({ workers, maxWorkers, metricsBytesPerWorker }: SizeSettings): SegmentSize => ({
  slots: Math.max(workers, maxWorkers ?? Math.max(8, 4 * workers)),
  regionBytes: metricsBytesPerWorker,
})

/** Makes the default number of slots smaller, then the default size of regions, until the segment fits. */
export function fittingSize(settings: SizeSettings, freeBytes: number): SegmentSize {
  const wished = wishedSize(settings)
  const room = freeBytes * SHARE
  const fits = (size: SegmentSize) => Segment.bytesOf(size) <= room
  if (fits(wished)) return wished
  let { slots, regionBytes } = wished
  if (settings.maxWorkers === undefined) {
    while (slots > settings.workers && !fits({ slots, regionBytes })) slots--
  }
  if (!fits({ slots, regionBytes }) && regionBytes === DEFAULT_METRICS_BYTES) {
    const overhead = Segment.bytesOf({ slots, regionBytes: 0 })
    const each = Math.floor((room - overhead) / (2 * slots + 1))
    regionBytes = Math.max(LEAST_REGION_BYTES, each - (each % 8))
  }
  const size = { slots, regionBytes }
  return fits(size) ? size : wished
}

/** @throws {StartError} that names the settings, if there is no room for the segment. */
export function createSegment(
  { name, prefix }: Pick<Cluster, 'name' | 'prefix'>,
  config: Pick<ProcessConfig, 'metricsDir'> & SizeSettings,
  log: Pick<Logger, 'info'>,
  freeBytes: (folder: string) => number = freeBytesOf,
): Segment {
  const folder = config.metricsDir ?? defaultFolder()
  const size = existsSync(folder) ? fittingSize(config, freeBytes(folder)) : wishedSize(config)
  const wished = wishedSize(config)
  const setting = (key: string) => variableName(prefix, key)
  try {
    const segment = Segment.create(name, size, folder)
    if (size.slots < wished.slots || size.regionBytes < wished.regionBytes) {
      log.info(
        { folder, ...size },
        `${folder} has little room: the segment has ${size.slots} slots for workers and ${size.regionBytes} bytes for the ` +
          `metrics of each. For more, set ${setting('metricsDir')} to another folder, or shm_size of the container`,
      )
    }
    return segment
  } catch (error) {
    if (!(error instanceof SegmentError)) throw error
    throw new StartError(
      `${error.message}. Set ${setting('maxWorkers')}, ${setting('workers')} or ${setting('metricsBytesPerWorker')} to less, ` +
        `${setting('metricsDir')} to another folder, or shm_size of the container to more`,
    )
  }
}

/** /dev/shm is memory. Where it is missing or cannot be written, the folder for temporary files. */
export function defaultFolder(shared = '/dev/shm'): string {
  try {
    accessSync(shared, constants.W_OK)
    return shared
  } catch {
    return tmpdir()
  }
}

function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/**
 * Keeps the segment's file open in this process.
 * @returns a path by which workers open it, also after the file was removed from its folder.
 */
export function lastingPath(segment: Segment): string {
  const path = `/proc/${process.pid}/fd/${openSync(segment.path, 'r')}`
  return existsSync(path) ? path : segment.path
}
