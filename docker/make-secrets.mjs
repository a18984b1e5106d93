#!/usr/bin/env node
// node docker/make-secrets.mjs                           writes docker/.env with random secrets, unless there is one
// node docker/make-secrets.mjs --rotate WRITER_PASSWORD  gives one secret of it a new value
// --file PATH: another file than docker/.env. Nothing secret is printed; the file is its owner's alone (mode 600).
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const example = fileURLToPath(new URL('.env.example', import.meta.url))
// Letters, digits, - and _ only: nothing that a shell, compose or a URL would read otherwise.
const made = {
  KAFKA_CLUSTER_ID: () => kafkaId(),
  WRITER_PASSWORD: () => randomBytes(32).toString('base64url'),
  ANALYST_PASSWORD: () => randomBytes(18).toString('base64url'),
  GRAFANA_PASSWORD: () => randomBytes(18).toString('base64url'),
}

const { values } = parseArgs({ options: { rotate: { type: 'string' }, file: { type: 'string' } } })
const file = values.file ?? fileURLToPath(new URL('.env', import.meta.url))

if (values.rotate === undefined) create()
else rotate(values.rotate)

function create() {
  let text = readFileSync(example, 'utf8')
  for (const name of Object.keys(made)) text = withSecret(text, name)
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    if (cause.code !== 'EEXIST') throw cause
    fail(`${file} is there already; to change one secret: --rotate NAME`)
  }
  process.stdout.write(`${file}\n`)
}

function rotate(name) {
  if (!(name in made) || name === 'KAFKA_CLUSTER_ID') fail(`--rotate takes ${Object.keys(made).slice(1).join(', ')}`)
  const text = withSecret(readFileSync(file, 'utf8'), name)
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  process.stdout.write(`${name} is new in ${file}\n`)
}

/** The text with a new value of that secret, and of its hash where it has one. */
function withSecret(text, name) {
  const secret = made[name]()
  const hash = createHash('sha256').update(secret).digest('hex')
  return set(set(text, name, secret, true), `${name}_SHA256`, hash, false)
}

function set(text, name, value, required) {
  const line = new RegExp(`^${name}=.*$`, 'm')
  if (required && !line.test(text)) fail(`there is no line ${name}= in it`)
  return text.replace(line, `${name}=${value}`)
}

/** 16 bytes as Kafka writes an id; one that began with a dash would read as a flag. */
function kafkaId() {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? kafkaId() : id
}

function fail(message) {
  process.stderr.write(`make-secrets: ${message}\n`)
  process.exit(1)
}
