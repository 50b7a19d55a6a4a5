/**
 * `bun run pack [folder]`: makes the tarballs of the packages that others can install, into `folder` (default: `dist`). Each has
 * JavaScript and declarations in `dist/` and the sources in `src/`; tests, benchmarks and test data stay here.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { helpAsked } from './help.ts'

const ROOT = join(import.meta.dir, '..')
/** In the order of their dependencies. */
const PACKAGES = ['metrics', 'prefork'] as const
/** Entries for the tests and benchmarks of this repository. */
const INTERNAL = /^\.\/(testing|bench)/
const PRIVATE_FIELDS = new Set(['private', 'devDependencies'])

interface Manifest {
  name: string
  version: string
  exports: Record<string, string>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  [field: string]: unknown
}

const HELP = `bun run pack [folder]

Makes the tarballs of packages/metrics and packages/prefork, in the folder (default: dist).`

if (import.meta.main) {
  const code = helpAsked(process.argv.slice(2), HELP)
  if (code !== undefined) process.exit(code)
  const folder = resolve(Bun.argv[2] ?? join(ROOT, 'dist'))
  await mkdir(folder, { recursive: true })
  for (const tarball of await pack(folder))
    console.log(`${tarball}: ${(Bun.file(tarball).size / 1000).toFixed(0)} kB`)
}

/** @returns the paths of the tarballs. @throws when a package does not compile. */
export async function pack(folder: string): Promise<string[]> {
  const stage = await mkdtemp(join(tmpdir(), 'pack-'))
  try {
    const tarballs: string[] = []
    for (const name of PACKAGES) {
      await build(name, stage)
      tarballs.push(await tar(join(stage, name), folder))
    }
    return tarballs
  } finally {
    await rm(stage, { recursive: true })
  }
}

/** Makes the folder of one package, as it will be installed. */
async function build(name: string, stage: string): Promise<void> {
  const source = join(ROOT, 'packages', name)
  const target = join(stage, name)
  const manifest = (await Bun.file(join(source, 'package.json')).json()) as Manifest
  const entries = Object.entries(manifest.exports).filter(([path]) => !INTERNAL.test(path))
  await compile(
    source,
    target,
    stage,
    entries.map(([, file]) => join(source, file)),
  )

  for await (const file of new Bun.Glob('**/*.d.ts').scan(join(target, 'dist'))) {
    const path = join(target, 'dist', file)
    await Bun.write(path, withJsExtensions(await Bun.file(path).text()))
    const original = file.replace(/\.d\.ts$/, '.ts')
    await cp(join(source, original), join(target, 'src', original))
  }
  await cp(join(source, 'README.md'), join(target, 'README.md'))
  await cp(join(ROOT, 'LICENSE'), join(target, 'LICENSE'))
  await Bun.write(
    join(target, 'package.json'),
    JSON.stringify(await publicManifest(manifest, entries), null, 2),
  )
}

/** Compiles the entries and every file that they import, but none of another package. */
async function compile(source: string, target: string, stage: string, files: string[]): Promise<void> {
  const config = join(stage, 'tsconfig.json')
  const paths = Object.fromEntries(
    PACKAGES.map((name) => [`@bun-monitoring/${name}`, [join(stage, name, 'dist', 'index.d.ts')]]),
  )
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: source,
    outDir: join(target, 'dist'),
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    paths,
  }
  await Bun.write(config, JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, files }))
  await run([join(ROOT, 'node_modules', '.bin', 'tsc'), '-p', config], ROOT)
}

/** The compiler rewrites the imports of JavaScript, but not those of declarations. */
function withJsExtensions(text: string): string {
  return text.replace(/((?:from|import\()\s*['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2')
}

async function publicManifest(
  manifest: Manifest,
  entries: readonly (readonly [path: string, file: string])[],
): Promise<object> {
  const root = (await Bun.file(join(ROOT, 'package.json')).json()) as {
    workspaces: { catalog: Record<string, string> }
  }
  const dependencies: Record<string, string> = {}
  const peerDependencies: Record<string, string> = { ...manifest.peerDependencies }
  for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
    // A program and the packages that it uses share one copy of metrics, hence a peer.
    if (version.startsWith('workspace:')) peerDependencies[name] = `^${await versionOf(name)}`
    else dependencies[name] = version === 'catalog:' ? `^${root.workspaces.catalog[name]}` : version
  }
  const fields = Object.entries(manifest).filter(([field]) => !PRIVATE_FIELDS.has(field))
  return {
    ...Object.fromEntries(fields),
    dependencies,
    peerDependencies,
    exports: Object.fromEntries(
      entries.map(([path, file]) => {
        const base = file.replace(/\.ts$/, '').replace('./', './dist/')
        return [path, { types: `${base}.d.ts`, default: `${base}.js` }]
      }),
    ),
    files: ['dist', 'src'],
  }
}

async function versionOf(name: string): Promise<string> {
  const manifest = Bun.file(join(ROOT, 'packages', name.split('/')[1]!, 'package.json'))
  return ((await manifest.json()) as Manifest).version
}

async function tar(folder: string, destination: string): Promise<string> {
  const printed = await run([process.execPath, 'pm', 'pack', '--destination', destination, '--quiet'], folder)
  return join(destination, basename(printed.trim()))
}

async function run(command: string[], cwd: string): Promise<string> {
  const child = Bun.spawn(command, { cwd, stdout: 'pipe', stderr: 'pipe' })
  const output = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text())
  if ((await child.exited) !== 0) throw new Error(`${command.join(' ')} failed:\n${output}`)
  return output
}
