/**
 * `bun run up`: installs, starts the whole stack, prints its addresses, and stops it all on Ctrl+C. With --free-ports a second stack
 * runs beside the first. Only builtins are imported before the packages are installed.
 */
import { install } from './install.ts'

process.exit((await install()) ? await (await import('./launch.ts')).launch('up', process.argv.slice(2)) : 1)
