import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'

/** Files of the tree, each with the files of the tree it imports; paths relative to its root, with forward slashes. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

const specifier =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|new URL\(\s*['"](\.[^'"]+\.ts)['"]/g

/** Reads the imports of every .ts file below the folders given; a worker started by URL counts as imported. */
export function readImports(root: string, folders: readonly string[]): ImportGraph {
  const graph = new Map<string, string[]>()
  for (const path of folders.flatMap((folder) => sourcesBelow(join(root, folder)))) {
    const file = relative(root, path).split(sep).join('/')
    graph.set(file, importsOf(file, readFileSync(path, 'utf8')))
  }
  return graph
}

/** The relative imports of one source text, as paths of the tree. */
export function importsOf(file: string, text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
  const found = [...code.matchAll(specifier)].map((m) => m[1] ?? m[2] ?? m[3] ?? m[4])
  return found.filter((name) => name.startsWith('.')).map((name) => posix.normalize(posix.join(dirname(file), name)))
}

/** The first cycle of imports there is, as the files it passes through; none: undefined. */
export function findCycle(graph: ImportGraph): string[] | undefined {
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    path.push(file)
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next)
      if (cycle) return cycle
    }
    path.pop()
    done.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const cycle = visit(file)
    if (cycle) return cycle
  }
  return undefined
}

/** Every .ts file below a folder. */
export function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
