import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import type { Member, Unreadable } from './container.ts'
import { Damage } from './reasons.ts'

const programs = ['7zz', '7z', '7za', '7zr']
const LISTING = 1 << 28

interface Listed {
  readonly name: string
  readonly size: number
  readonly crc: number | undefined
}

/**
 * The files of a 7z archive, by the program of that name: one pass through the archive, whose output is cut by the
 * sizes that its listing tells. Nothing is unpacked to disk.
 */
export async function* sevenZipMembers(path: string, name: string): AsyncGenerator<Member | Unreadable> {
  const program = await installed()
  if (program === undefined) {
    yield { name, damage: new Damage('unreadable_container', `${name} is a 7z archive: install 7-Zip (7zz, 7z or p7zip) to read it`) }
    return
  }
  let files: Listed[]
  try {
    const { stdout } = await promisify(execFile)(program, ['l', '-slt', '-ba', '-p', path], { maxBuffer: LISTING })
    files = listed(stdout)
  } catch (cause) {
    yield { name, damage: new Damage('corrupt_container', `${name}: ${(cause as Error).message.split('\n')[0]}`) }
    return
  }
  const child = spawn(program, ['x', '-so', '-bd', '-p', path], { stdio: ['ignore', 'pipe', 'ignore'] })
  const output = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const rest = { bytes: new Uint8Array(0) as Uint8Array }
  try {
    for (const file of files) yield { name: file.name, pieces: cut(output, rest, file) }
  } finally {
    child.kill()
  }
}

async function installed(): Promise<string | undefined> {
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
    }))
}

function cutAt(line: string): [string, string] {
  const at = line.indexOf(' =')
  return [line.slice(0, at), line.slice(at + 3)]
}

async function* cut(output: AsyncIterator<Uint8Array>, rest: { bytes: Uint8Array }, file: Listed): AsyncGenerator<Uint8Array> {
  let sum = 0
  for (let left = file.size; left > 0; ) {
    if (rest.bytes.length === 0) {
      const next = await output.next()
      if (next.done) throw new Damage('truncated_container', `${file.name}: the archive ends inside it`)
      rest.bytes = next.value
    }
    const piece = rest.bytes.subarray(0, left)
    rest.bytes = rest.bytes.subarray(piece.length)
    left -= piece.length
    sum = crc32(piece, sum)
    yield piece
  }
  if (file.crc !== undefined && sum !== file.crc) throw new Damage('corrupt_container', `${file.name}: its checksum is wrong`)
}
