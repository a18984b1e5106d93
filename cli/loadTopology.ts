import { existsSync, readdirSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { extname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { messageOf, TickloomError } from '../core/errors.ts'
import type { Topology } from '../core/topology.ts'

// The sources run as .ts, the published package as .js; this file knows which one it is.
const extension = extname(new URL(import.meta.url).pathname)
const root = fileURLToPath(new URL('..', import.meta.url))
const publicApi = pathToFileURL(join(root, `index${extension}`)).href
const lent = ['rxjs', 'zod']

/** The names of the topologies that come with the package. */
export function topologyNames(): string[] {
  const folder = join(root, 'topologies')
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, `graph${extension}`)))
    .sort()
}

/**
 * The topology that a user names: a folder of topologies/, or a path to a .ts or .js file anywhere whose default
 * export, or only topology exported, it is. Such a file may import 'tickloom', 'rxjs' and 'zod' without having them
 * installed. Throws TOPOLOGY_NOT_FOUND, or TOPOLOGY_INVALID with the file and what it threw.
 */
export async function loadTopology(given: string, workingFolder: string = process.cwd()): Promise<Topology> {
  const file = fileOf(given, workingFolder)
  lendPackages()
  let exported: Record<string, unknown>
  try {
    exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (cause) {
    throw new TickloomError('TOPOLOGY_INVALID', `topology file ${file} cannot be loaded: ${messageOf(cause)}`, { file }, cause)
  }
  return pick(exported, file)
}

/** The file that `loadTopology` loads. Throws TOPOLOGY_NOT_FOUND. */
export function fileOf(given: string, workingFolder: string = process.cwd()): string {
  const isPath = isAbsolute(given) || /[/\\]/.test(given) || /\.[cm]?[jt]s$/.test(given)
  if (!isPath) {
    const file = join(root, 'topologies', given, `graph${extension}`)
    if (existsSync(file)) return file
    throw new TickloomError(
      'TOPOLOGY_NOT_FOUND',
      `there is no topology "${given}"; there are ${topologyNames().join(', ')}, or give a path to a file`,
      { topology: given },
    )
  }
  const file = resolve(workingFolder, given)
  if (!existsSync(file)) throw new TickloomError('TOPOLOGY_NOT_FOUND', `there is no topology file ${file}`, { file })
  if (!statSync(file).isFile())
    throw new TickloomError('TOPOLOGY_NOT_FOUND', `${file} is a folder; name the file that exports the topology`, { file })
  return file
}

let lending = false

/** A strategy file lies anywhere: what its own folder cannot resolve of our API and what goes with it, it gets from here. */
function lendPackages(): void {
  if (lending) return
  lending = true
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === 'tickloom') return { url: publicApi, shortCircuit: true }
      const [name] = specifier.split('/')
      if (!lent.includes(name)) return next(specifier, context)
      try {
        return next(specifier, context)
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
        return next(specifier, { ...context, parentURL: publicApi })
      }
    },
  })
}

function pick(exported: Readonly<Record<string, unknown>>, file: string): Topology {
  const invalid = (why: string): TickloomError => new TickloomError('TOPOLOGY_INVALID', `topology file ${file} ${why}`, { file })
  if (exported['default'] !== undefined) {
    const faults = faultsOf(exported['default'])
    if (faults.length > 0) throw invalid(`exports as default what is no topology: ${faults.join('; ')}`)
    return exported['default'] as Topology
  }
  const names = Object.keys(exported)
  const topologies = names.filter((name) => faultsOf(exported[name]).length === 0)
  if (topologies.length === 1) return exported[topologies[0]] as Topology
  if (topologies.length > 1) throw invalid(`exports ${topologies.length} topologies (${topologies.join(', ')}); make one of them the default export`)
  const almost = names.find((name) => isObject(exported[name]) && 'wire' in (exported[name] as object))
  if (almost !== undefined) throw invalid(`exports "${almost}", which is no topology: ${faultsOf(exported[almost]).join('; ')}`)
  throw invalid(`exports no topology; it exports ${names.join(', ') || 'nothing'}`)
}

/** What keeps a value from being a topology; a file written in JavaScript has no compiler to tell. */
function faultsOf(value: unknown): string[] {
  if (!isObject(value)) return [`it is ${value === null ? 'null' : typeof value}`]
  const faults: string[] = []
  if (typeof value['name'] !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(value['name'])) faults.push('name is text in lower case, digits and dashes')
  if (!Number.isInteger(value['version'])) faults.push('version is a whole number')
  if (value['memory'] !== 'day' && value['memory'] !== 'everything') faults.push("memory is 'day' or 'everything'")
  if (!isZodObject(value['params'])) faults.push('params is a zod object')
  for (const ports of ['inputs', 'outputs']) {
    if (!isObject(value[ports]) || Object.keys(value[ports]).length === 0) faults.push(`${ports} names at least one stream with its schema`)
  }
  if (typeof value['wire'] !== 'function') faults.push('wire is a function')
  return faults
}

function isZodObject(value: unknown): boolean {
  // Not instanceof: the file may bring a zod of its own.
  return isObject(value) && typeof value['safeParse'] === 'function' && isObject(value['def']) && value['def']['type'] === 'object'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
