import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'

const places = [process.env['TICKLOOM_CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const program = places.find((path) => path !== '' && existsSync(path))

let browser: Browser | undefined

/** `describe` for what a browser shows; where there is no Chromium it is skipped, saying so. */
export function describeChromium(name: string, tests: () => void): void {
  if (program === undefined) {
    const why = 'there is no Chromium; TICKLOOM_CHROMIUM may name one'
    process.stderr.write(`\nSKIPPED  ${name}: ${why}\n`)
    describe.skip(`${name} (skipped: ${why})`, tests)
    return
  }
  describe(name, { timeout: 60_000 }, () => {
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'], timeout: 30_000 })
    }, 40_000)
    afterAll(() => browser?.close())
    tests()
  })
}

export interface Seen {
  readonly page: Page
  /** What the page complained of, and every request that left it: both must stay empty. */
  readonly faults: readonly string[]
}

export interface Screen {
  readonly width: number
  readonly height: number
  readonly dark?: boolean
}

/** Opens a file as a reader does; resolves when it is loaded. */
export function openFile(path: string, how: Screen): Promise<Seen> {
  return openUrl(pathToFileURL(path).href, how)
}

/** Opens an address. Requests to its own host are no fault; nor are those that find it gone, where `mayFail`. */
export async function openUrl(url: string, how: Screen, { mayFail = false } = {}): Promise<Seen> {
  if (browser === undefined) throw new Error('pages are for the hooks and tests of describeChromium')
  const page = await browser.newPage({ viewport: { width: how.width, height: how.height }, colorScheme: how.dark ? 'dark' : 'light' })
  const faults: string[] = []
  const { protocol, host } = new URL(url)
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (mayFail && /net::ERR_|status of 503/.test(message.text())) return
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
  })
  page.on('request', (request) => {
    const to = new URL(request.url())
    if (!/^(file|data|blob):$/.test(to.protocol) && (to.protocol !== protocol || to.host !== host)) faults.push(`request to ${request.url()}`)
  })
  await page.goto(url, { timeout: 30_000 })
  return { page, faults }
}
