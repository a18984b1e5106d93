import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const { dependencies, devDependencies, peerDependencies } = JSON.parse(read('package.json')) as {
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
  peerDependencies: Record<string, string>
}
const installed = { ...dependencies, ...devDependencies, ...peerDependencies }

test('docs/decisions/dependencies.md lists what package.json has', () => {
  const listed = [...read('docs/decisions/dependencies.md').matchAll(/^\| `([^`]+)` \| (\d\S*) \|/gm)].map((m) => [m[1], m[2]])
  expect(Object.fromEntries(listed)).toEqual(installed)
})

test('every version is pinned', () => {
  expect(Object.entries(installed).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
})

test('the lockfile has the packages of every platform, as `npm ci` wants them', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>
  }
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
  expect(wanted.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([])
})
