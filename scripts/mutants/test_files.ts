/** The test files of a folder: how near each is to a mutated file, and what its result depends on. */
import { dirname, join, relative } from 'node:path'
import { readFileSync } from 'node:fs'
import { hashOf } from './mutant.ts'

/** Files that ship with no process. */
export const NOT_SHIPPED =
  /(^|\/)(bench|testdata|examples|node_modules)\/|(^|\/)testing[^/]*(\/|\.ts$)|\.test\.ts$|\.d\.ts$/

export interface TestFile {
  path: string
  /** The files of the repository that it imports, with the number of imports on the way. */
  reached: ReadonlyMap<string, number>
  /** Of the test and its helpers: a result holds as long as it is the same. */
  hash: string
  /** Of all that it imports. */
  hashWithCode: string
}

/** @param path of the test, relative to `root` */
export function testFile(root: string, path: string): TestFile {
  const reached = reachedFrom(root, path)
  const textOf = (file: string) => readFileSync(join(root, file), 'utf8')
  const files = [path, ...reached.keys()].toSorted()
  return {
    path,
    reached,
    hash: hashOf(path, ...files.filter((file) => NOT_SHIPPED.test(file)).map(textOf)),
    hashWithCode: hashOf(path, ...files.map(textOf)),
  }
}

/** 0: it imports the file, or has its name. 1: it imports it through others. 2: it may start it as a process, or never use it. */
export function distance({ path, reached }: TestFile, file: string): 0 | 1 | 2 {
  if (reached.get(file) === 1 || path.startsWith(file.replace(/ts$/, ''))) return 0
  return reached.has(file) ? 1 : 2
}

const transpiler = new Bun.Transpiler({ loader: 'ts' })

function reachedFrom(root: string, path: string): Map<string, number> {
  const reached = new Map<string, number>()
  let level = [path]
  for (let steps = 1; level.length > 0; steps++) {
    level = level
      .flatMap((file) => importsOf(root, file))
      .filter((file) => file !== path && !reached.has(file))
    for (const file of level) reached.set(file, steps)
  }
  return reached
}

/** The files of the repository that a file imports when it runs. */
function importsOf(root: string, file: string): string[] {
  if (!file.endsWith('.ts')) return []
  const { imports } = transpiler.scan(readFileSync(join(root, file), 'utf8'))
  return imports.flatMap(({ path }) => {
    const found = resolved(path, dirname(join(root, file)))
    const inside = found === undefined ? '..' : relative(root, found)
    return inside.startsWith('..') || inside.includes('node_modules/') ? [] : [inside]
  })
}

function resolved(path: string, folder: string): string | undefined {
  try {
    const found = Bun.resolveSync(path, folder)
    return found.startsWith('/') ? found : undefined
  } catch {
    return undefined
  }
}
