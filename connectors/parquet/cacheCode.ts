import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A relative path of a module in quotes: an import of whatever form, or none, which adds a file and harms nothing. */
const MODULE = /['"`](\.{1,2}\/[^'"`\n]+\.[cm]?[jt]s)['"`]/g

/** The modules and everything of this tree that they import, each once, in the order in which they are met. */
export function filesOfCode(modules: readonly string[]): string[] {
  const files = new Set(modules.map((path) => resolve(path)))
  for (const file of files) {
    for (const [, name] of readFileSync(file, 'utf8').matchAll(MODULE)) {
      const path = join(dirname(file), name)
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) files.add(path)
    }
  }
  return [...files]
}

/**
 * What code makes rows: a digest of the bytes of the modules, of all that they import, of the `data` files they read,
 * and of the versions of the packages that this package pins. Whatever changes one of them makes another digest,
 * without anybody having to remember it; some changes that alter no row do too, which costs time and nothing else.
 */
export function codeDigest(modules: readonly string[], data: readonly string[] = []): string {
  const hash = createHash('sha256')
  for (const file of [...filesOfCode(modules), ...data]) {
    const bytes = readFileSync(file)
    hash.update(`${bytes.length} `).update(bytes)
  }
  return hash.update(JSON.stringify(packagesOf(resolve(modules[0])))).digest('hex')
}

let ownDigest: string | undefined
/** The digest of what reads a lake. */
export function readingCode(): string {
  return (ownDigest ??= codeDigest([readingModule()]))
}

/** The module from which everything is imported that decides which rows come out of a lake. */
export function readingModule(): string {
  return fileURLToPath(new URL(`./source${extname(new URL(import.meta.url).pathname)}`, import.meta.url))
}

/** The packages of the nearest package.json, with the versions it pins. */
function packagesOf(module: string): unknown {
  for (let folder = dirname(module); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json')
    if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { dependencies?: unknown }).dependencies ?? {}
    if (folder === dirname(folder)) return {}
  }
}
