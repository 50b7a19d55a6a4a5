/**
 * The command and the working directory that start a worker: those of the master as they were typed, so that each spawn
 * resolves symbolic links anew. A deployment that moves a link (`current/app.ts`) and sends SIGHUP gets the new release.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** How the master was started. */
export interface Start {
  /** The whole command line: program, flags, script, arguments. Empty if the system has no /proc. */
  commandLine: readonly string[]
  /** The arguments of the script. */
  args: readonly string[]
  execPath: string
  execArgv: readonly string[]
  /** The script as Bun resolved it. */
  main: string
  /** The working directory with all links resolved. */
  cwd: string
  /** The working directory as the shell knows it, `$PWD`. */
  logicalCwd: string | undefined
}

export interface Command {
  command: string[]
  cwd: string
}

/** Flags of Bun that are for the master alone: only the master ends and restarts workers. */
const MASTERS_FLAGS = /^--(no-orphans|watch|hot|inspect)/

const CWD_FLAG = '--cwd'

export function workerCommand(start: Start): Command {
  const { commandLine, args, execPath, execArgv, main, cwd, logicalCwd } = start
  const head = commandLine.slice(1, commandLine.length - args.length)
  const [flags, folder] = cwdFlagOf(head)
  // A shell keeps $PWD; other programs may pass on a value that is not the working directory of this process.
  const isLogical = logicalCwd?.startsWith('/') && isSame(resolve(logicalCwd, folder ?? '.'), cwd)
  const spawnCwd = isLogical ? logicalCwd! : cwd
  if (commandLine.length === 0) {
    return { command: [execPath, ...withoutMastersFlags(cwdFlagOf(execArgv)[0]), main, ...args], cwd }
  }
  const program = resolve(spawnCwd, commandLine[0]!)
  const isPath = commandLine[0]!.includes('/') && existsSync(program)
  return {
    command: [isPath ? program : execPath, ...withoutMastersFlags(isLogical ? head : flags), ...args],
    cwd: spawnCwd,
  }
}

/** The folder, or the nearest one above it that still exists: a program with an absolute path can start there. */
export const existingFolder = (folder: string): string =>
  existsSync(folder) ? folder : existingFolder(dirname(folder))

const withoutMastersFlags = (flags: readonly string[]) => flags.filter((flag) => !MASTERS_FLAGS.test(flag))

/** @returns the command line without Bun's flag for the working directory, and the flag's value. */
function cwdFlagOf(head: readonly string[]): [rest: readonly string[], folder: string | undefined] {
  const index = head.findIndex((each) => each === CWD_FLAG || each.startsWith(`${CWD_FLAG}=`))
  if (index === -1) return [head, undefined]
  const isOneWord = head[index] !== CWD_FLAG
  const folder = isOneWord ? head[index]!.slice(CWD_FLAG.length + 1) : head[index + 1]
  return [head.toSpliced(index, isOneWord ? 1 : 2), folder]
}

function isSame(path: string, realPath: string): boolean {
  try {
    return realpathSync(path) === realPath
  } catch {
    return false
  }
}

function readCommandLine(): string[] {
  try {
    return readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1)
  } catch {
    return []
  }
}

/** Read when this module is loaded, before the program can change its working directory. */
export const OWN_START: Start = {
  commandLine: readCommandLine(),
  args: process.argv.slice(2),
  execPath: process.execPath,
  execArgv: process.execArgv,
  main: Bun.main,
  cwd: process.cwd(),
  logicalCwd: process.env.PWD,
}
