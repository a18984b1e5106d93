import { execFile, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import type { Member, Unreadable } from './container.ts'
import { Damage } from './reasons.ts'
import { bytesOfFile } from './zip.ts'

const programs = ['7zz', '7z', '7za', '7zr']
const LISTING = 1 << 28
/** The start of an archive: it says where its directory is, which stands at the end. */
const START = 32

interface Listed {
  readonly name: string
  readonly size: number
  readonly crc: number | undefined
  readonly encrypted: boolean
}

/**
 * The files of a 7z archive, by the program of that name: one pass through the archive, whose output is cut by the
 * sizes that its listing tells. Nothing is unpacked to disk. A file whose bytes are not those that the listing has a
 * checksum of is corrupt, and so is every one after it: where they begin is not known then.
 */
export async function* sevenZipMembers(path: string, name: string): AsyncGenerator<Member | Unreadable> {
  const program = await installed()
  if (program === undefined) {
    yield { name, damage: new Damage('unreadable_container', `${name} is a 7z archive: install 7-Zip (7zz, 7z or p7zip) to read it`) }
    return
  }
  let files: Listed[]
  try {
    checkLength(path, name)
    const { stdout } = await promisify(execFile)(program, ['l', '-slt', '-ba', '-sccUTF-8', '-p', path], { maxBuffer: LISTING })
    files = listed(stdout)
  } catch (cause) {
    yield { name, damage: cause instanceof Damage ? cause : damageOfListing(cause, name) }
    return
  }
  if (files.some(({ encrypted }) => encrypted)) {
    yield { name, damage: new Damage('unreadable_container', `${name} is encrypted`) }
    return
  }
  const child = spawn(program, ['x', '-so', '-bd', '-p', path], { stdio: ['ignore', 'pipe', 'ignore'] })
  const output = new Output(child.stdout)
  try {
    for (const file of files) {
      const member = new Cut(output, file)
      yield { name: file.name, pieces: member.pieces() }
      await member.skip()
    }
  } finally {
    child.kill()
  }
}

/** The program that is installed, which is looked for once as long as the path is the same. */
function installed(): Promise<string | undefined> {
  const path = process.env['PATH'] ?? ''
  if (known?.path !== path) known = { path, program: search() }
  return known.program
}
let known: { readonly path: string; readonly program: Promise<string | undefined> } | undefined

async function search(): Promise<string | undefined> {
  for (const program of programs) {
    try {
      await promisify(execFile)(program, ['i'])
      return program
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') return program
    }
  }
  return undefined
}

/** Throws Damage where the archive ends before its directory does. */
function checkLength(path: string, name: string): void {
  const { size } = statSync(path)
  const file = bytesOfFile(path, size)
  try {
    const start = Buffer.alloc(START)
    file.read(start, 0)
    const end = size < START ? Infinity : START + Number(start.readBigUInt64LE(12)) + Number(start.readBigUInt64LE(20))
    if (end > size) throw new Damage('truncated_container', `${name}: its directory, which stands at the end, is missing`)
  } finally {
    file.close()
  }
}

function damageOfListing(cause: unknown, name: string): Damage {
  const { message, stdout = '', stderr = '' } = cause as Error & { stdout?: string; stderr?: string }
  const said = `${stdout}\n${stderr}\n${message}`
  if (/wrong password|encrypted archive/i.test(said)) return new Damage('unreadable_container', `${name} is encrypted`)
  const reason = said.split('\n').find((line) => /error|can ?not|unsupported/i.test(line) && !line.startsWith('Command failed'))
  return new Damage('corrupt_container', `${name}: ${reason?.trim() ?? message.split('\n')[0]}`)
}

/** What `7z l -slt -ba` tells, without folders. */
export function listed(text: string): Listed[] {
  return text
    .split(/\r?\n\r?\n/)
    .map((block) => new Map(block.split(/\r?\n/).flatMap((line) => (line.includes(' = ') || line.endsWith(' =') ? [cutAt(line)] : []))))
    .filter((entry) => entry.has('Path') && entry.get('Folder') !== '+' && !entry.get('Attributes')?.startsWith('D'))
    .map((entry) => ({
      name: entry.get('Path') as string,
      size: Number(entry.get('Size') || 0),
      crc: entry.get('CRC') ? Number.parseInt(entry.get('CRC') as string, 16) : undefined,
      encrypted: entry.get('Encrypted') === '+',
    }))
}

function cutAt(line: string): [string, string] {
  const at = line.indexOf(' =')
  return [line.slice(0, at), line.slice(at + 3)]
}

/** Bytes of a stream by any number. */
class Output {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** Up to so many bytes; undefined at the end. Ask for the next when this one is there. */
  async take(most: number): Promise<Uint8Array | undefined> {
    if (this.#rest.length === 0) {
      const next = await this.#pieces.next()
      if (next.done) return undefined
      this.#rest = next.value
    }
    const piece = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(piece.length)
    return piece
  }
}

/** One file of the output. */
class Cut {
  readonly #output: Output
  readonly #file: Listed
  #left: number
  #last: Promise<unknown> = Promise.resolve()

  constructor(output: Output, file: Listed) {
    this.#output = output
    this.#file = file
    this.#left = file.size
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    const { name, crc } = this.#file
    let sum = 0
    while (this.#left > 0) {
      const piece = await this.#next()
      // A directory that can be read says that nothing is missing.
      if (piece === undefined) throw new Damage('corrupt_container', `${name}: its bytes cannot be unpacked`)
      sum = crc32(piece, sum)
      yield piece
    }
    if (crc !== undefined && sum !== crc) throw new Damage('corrupt_container', `${name}: its checksum is wrong`)
  }

  /** Leaves what nobody asked for, so that the next file begins where it does. */
  async skip(): Promise<void> {
    while ((await this.#next()) !== undefined);
  }

  /** In turn: whoever left the file half way may have asked for a piece that is still to come. */
  #next(): Promise<Uint8Array | undefined> {
    const next = this.#last.then(async () => {
      if (this.#left === 0) return undefined
      const piece = await this.#output.take(this.#left)
      this.#left -= piece?.length ?? 0
      return piece
    })
    this.#last = next.catch(() => undefined)
    return next
  }
}
