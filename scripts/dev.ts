/**
 * `bun run dev`: the whole stack as `bun run up` starts it, with one worker for each process, restarted part by part on each save.
 * A part that does not start says why, and starts again at the next save.
 */
import { install } from './install.ts'

process.exit((await install()) ? await (await import('./launch.ts')).launch('dev', process.argv.slice(2)) : 1)
