/** Which processes run a file, so that a change of it restarts them. */
import { services } from '../services/names.ts'
import { type PartName, PARTS } from './stack.ts'

/** Path prefixes with the processes that have their code, in the order in which these start. */
const PREFIXES: readonly [prefix: string, parts: readonly PartName[]][] = [
  ['packages/', PARTS],
  ['services/pets/', services],
  ...services.map((name): [string, PartName[]] => [`services/${name}/`, [name]]),
  ['gateway/', ['gateway']],
  ['exporter/', ['exporter']],
]

const RUN = /\.(ts|toml|html|json|css|js|svg)$/
const NOT_RUN = /(^|\/)(node_modules|bench|testdata|data)\/|\.test\.ts$|(^|\/)testing[^/]*\.ts$/

/** @param path relative to the root of the repository */
export function affectedBy(path: string): readonly PartName[] {
  if (!RUN.test(path) || NOT_RUN.test(path)) return []
  return PREFIXES.find(([prefix]) => path.startsWith(prefix))?.[1] ?? []
}

/** The folders to watch. */
export const WATCHED: readonly string[] = ['packages', 'services', 'gateway', 'exporter']
