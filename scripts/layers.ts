/**
 * The order of the folders: each part's README has a table of its sub-folders, from lowest to highest, with what each may import.
 * These functions read that table and the imports of the code, and list every import that the table does not allow. Tests, test data
 * and benchmarks are outside the rule. The rule itself is checked by layers.test.ts; circles are oxlint's (`import/no-cycle`).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Sub-folders in the order of the table, each with those it may import. */
export type Layers = ReadonlyMap<string, ReadonlySet<string>>

/** Files that ship with no process: tests, what only tests import, and benchmarks. */
const OUTSIDE = /(^|\/)(bench|testdata|node_modules|examples|[^/]*testing[^/]*)(\/|\.ts$)|\.test\.ts$/

/**
 * Reads the table with the header `| folder | holds | may import |`.
 * @throws {Error} when there is none, or when a row names a folder that does not stand above it
 */
export function layersOf(readme: string): Layers {
  const lines = readme.split('\n')
  const header = lines.findIndex((line) => /^\| folder +\| holds +\| may import +\|$/.test(line))
  if (header === -1) throw new Error('no table "| folder | holds | may import |"')
  const layers = new Map<string, ReadonlySet<string>>()
  for (const line of lines.slice(header + 2)) {
    if (!line.startsWith('|')) break
    const cells = line.split('|').map((cell) => cell.trim())
    const [folder] = foldersIn(cells[1]!)
    if (folder === undefined) throw new Error(`a row of the table names no folder: ${line}`)
    layers.set(folder, allowedBy(cells[3]!, [...layers.keys()], folder))
  }
  return layers
}

/** Every import below `part` (a folder's path) that its table does not allow, as `file imports file: why`. */
export function violations(part: string): string[] {
  const layers = layersOf(readFileSync(join(part, 'README.md'), 'utf8'))
  const files = codeIn(part)
  const present = new Set(files.map(layerOf).filter((layer) => layer !== ''))
  return [
    ...[...present].filter((layer) => !layers.has(layer)).map((layer) => `${layer}/ is not in the table`),
    ...[...layers.keys()].filter((layer) => !present.has(layer)).map((layer) => `${layer}/ has no code`),
    ...files.flatMap((file) =>
      importsOf(readFileSync(join(part, file), 'utf8')).flatMap((path) => {
        const target = relative('.', join(dirname(file), path))
        const reason = refusal(layerOf(file), target, layers)
        return reason === undefined ? [] : [`${file} imports ${target}: ${reason}`]
      }),
    ),
  ]
}

/** The relative paths that a source file imports or exports from, types included. */
export function importsOf(source: string): string[] {
  return [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1]!)
}

function refusal(layer: string, target: string, layers: Layers): string | undefined {
  // Texts and numbers, such as a page, the package's version or the names of the services, have no direction.
  if (!target.endsWith('.ts') || target === '../services/names.ts') return undefined
  if (target.startsWith('..')) return 'it is outside of the part; import its package'
  const targetLayer = layerOf(target)
  if (layer === '' || layer === targetLayer) return undefined
  if (targetLayer === '') return 'a sub-folder does not import the files that wire it'
  return layers.get(layer)?.has(targetLayer) === true ? undefined : `${layer}/ may not import ${targetLayer}/`
}

function allowedBy(cell: string, above: readonly string[], folder: string): ReadonlySet<string> {
  if (cell === 'nothing') return new Set()
  if (cell === 'all above') return new Set(above)
  const named = foldersIn(cell)
  if (named.length === 0) throw new Error(`${folder}/ may import "${cell}", which names no folder`)
  for (const name of named)
    if (!above.includes(name))
      throw new Error(`${folder}/ may import ${name}/, which does not stand above it`)
  return new Set(named)
}

const foldersIn = (cell: string): string[] => [...cell.matchAll(/`([\w-]+)\/`/g)].map((match) => match[1]!)

/** The first folder of a path; empty for a file beside the README. */
const layerOf = (file: string): string => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '')

function codeIn(part: string): string[] {
  return readdirSync(part, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !OUTSIDE.test(file))
    .toSorted()
}
