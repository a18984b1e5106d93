import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The text of a file, its path from the root of the repository. */
export const text = (path: string): string => readFileSync(join(root, path), 'utf8')
/** The path on this machine. */
export const inRoot = (path: string): string => join(root, path)
export const exists = (path: string): boolean => existsSync(join(root, path))

export interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly restart: string
  readonly user?: string
  readonly read_only?: boolean
  readonly privileged?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly stop_grace_period?: string
  readonly logging?: { readonly options: Readonly<Record<string, string>> }
  readonly deploy?: { readonly resources: { readonly limits: Readonly<Record<string, string>> } }
  readonly build?: { readonly context: string; readonly dockerfile: string }
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, unknown>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** docker/compose.yaml as YAML 1.2 with merge keys; a key given twice throws. Variables stand as they are written. */
export const compose = parse(text('docker/compose.yaml'), { merge: true, uniqueKeys: true }) as Compose
export const services = Object.entries(compose.services)
/** Services that run the image of docker/Dockerfile. */
export const ours = services.filter(([, { image }]) => image.startsWith('tickloom:'))

export interface Variable {
  readonly name: string
  /** `:?` compose refuses without a value, `:-` there is a default. */
  readonly kind: string
  readonly rest: string
}

/** Variables that the text takes from .env. */
export function variablesOf(from: string): Variable[] {
  return [...from.matchAll(/(?<!\$)\$\{(\w+)(:[-?])?([^}]*)\}/g)].map(([, name, kind = '', rest]) => ({ name, kind, rest }))
}

/** The text as compose makes it: `values`, else the default, and `$$` as one dollar. */
export function filledIn(from: string, values: Readonly<Record<string, string>> = {}): string {
  return from
    .replace(/(?<!\$)\$\{(\w+)(:[-?])?([^}]*)\}/g, (_, name: string, kind: string, rest: string) => values[name] ?? (kind === ':-' ? rest : ''))
    .replaceAll('$$', '$')
}

/** The words of a service's command, defaults filled in. */
export const wordsOf = (service: Service): string[] => (service.command ?? []).map((word) => filledIn(String(word)))
