/** Name and version of an app that is a file. */
import { existsSync } from 'node:fs'
import { dirname, join, parse, resolve } from 'node:path'

/** The name of the file, without what cannot be part of a file name or a metric label everywhere. */
export const nameOf = (file: string): string => parse(file).name.replaceAll(/[^\w.-]/g, '_') || 'app'

/** The version in the nearest package.json. */
export async function versionOf(file: string): Promise<string> {
  for (let folder = dirname(resolve(file)); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json')
    if (existsSync(path)) {
      const { version } = (await Bun.file(path).json()) as { version?: string }
      return version ?? UNKNOWN
    }
    if (folder === dirname(folder)) return UNKNOWN
  }
}

const UNKNOWN = '0.0.0'
