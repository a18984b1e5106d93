import cliProgress from 'cli-progress'
import type { PackProgress } from '../connectors/archives/packing.ts'
import { PaceMeter, shortCount, shortDuration } from '../runtime/progress.ts'
import { shownBytes } from './tables.ts'

const LINE_EVERY = 3
const BAR_EVERY = 0.1

/** How far packing is: bytes of the inputs, rows a second, time left. A bar on a terminal, lines elsewhere, on stderr. */
export function showPacking(quiet: boolean, out: NodeJS.WriteStream = process.stderr): { at(progress: PackProgress): void; stop(): void } {
  if (quiet) return { at: () => undefined, stop: () => undefined }
  const [byBytes, byRows] = [new PaceMeter(), new PaceMeter()]
  let bar: cliProgress.SingleBar | undefined
  let shown = out.isTTY ? -Infinity : performance.now() / 1000
  return {
    at({ bytes, bytesInAll, rows }) {
      const now = performance.now() / 1000
      if (now - shown < (out.isTTY ? BAR_EVERY : LINE_EVERY)) return
      shown = now
      const read = byBytes.observe(bytes, bytesInAll, now)
      const { rowsPerSecond } = byRows.observe(rows, undefined, now)
      const parts = [`${shownBytes(bytes)} of ${shownBytes(bytesInAll)}`, `${shortCount(rows)} rows`]
      if (rowsPerSecond !== undefined) parts.push(`${shortCount(rowsPerSecond)} rows/s`)
      if (read.secondsLeft !== undefined) parts.push(`${shortDuration(read.secondsLeft)} left`)
      const line = parts.join('  ')
      if (!out.isTTY) {
        out.write(`${Math.floor((read.fraction ?? 0) * 100)} %  ${line}\n`)
        return
      }
      if (bar === undefined) {
        const style = { stream: out, format: '{bar}  {line}', barsize: 24, hideCursor: true, clearOnComplete: true, gracefulExit: false }
        bar = new cliProgress.SingleBar(style, cliProgress.Presets.shades_classic)
        bar.start(1000, 0, { line })
      }
      bar.update(Math.round((read.fraction ?? 0) * 1000), { line })
    },
    stop: () => bar?.stop(),
  }
}
