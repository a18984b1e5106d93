import { inspect } from 'node:util'

/**
 * A key and the day's token, which no text but those that go to Kite shows: neither as JSON, nor printed, nor in what
 * Kite's own messages say of them.
 */
export class KiteCredentials {
  readonly #key: string
  readonly #token: string

  constructor(key: string, token: string) {
    this.#key = key
    this.#token = token
  }

  /** The header of requests over HTTP. */
  get authorization(): string {
    return `token ${this.#key}:${this.#token}`
  }

  /** The address of the stream with the query that lets in. */
  url(stream: string): string {
    const url = new URL(stream)
    url.searchParams.set('api_key', this.#key)
    url.searchParams.set('access_token', this.#token)
    return url.href
  }

  /** The text without them. */
  hidden(text: string): string {
    let shown = text
    for (const secret of [this.#token, this.#key]) {
      for (const form of [secret, encodeURIComponent(secret)]) if (form !== '') shown = shown.replaceAll(form, '***')
    }
    return shown
  }

  toJSON(): string {
    return '***'
  }
  toString(): string {
    return '***'
  }
  [inspect.custom](): string {
    return '***'
  }
}
