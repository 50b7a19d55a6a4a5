/** The version of this program. */
import packageJson from '../package.json' with { type: 'json' }

export const VERSION: string = packageJson.version

export const BUILD = { version: VERSION, bun_version: Bun.version }
