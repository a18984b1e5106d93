import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificates {
  /** File of the certificate of who signed. */
  readonly ca: string
  /** File of the broker's key and certificate, as Kafka reads them. */
  readonly broker: string
}

/** Certificates for a broker on 127.0.0.1, made with openssl; files in the folder whose names begin so. */
export function makeCertificates(folder: string, name: string): Certificates {
  const at = (ending: string): string => join(folder, `${name}.${ending}`)
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { stdio: 'ignore' })
  const key = ['-newkey', 'rsa:2048', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '2', '-subj', `/CN=${name}`)
  openssl('req', ...key, '-keyout', at('key'), '-out', at('csr'), '-subj', '/CN=127.0.0.1')
  writeFileSync(at('ext'), 'subjectAltName=IP:127.0.0.1')
  openssl(
    'x509',
    '-req',
    '-in',
    at('csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-out',
    at('crt'),
    '-days',
    '2',
    '-extfile',
    at('ext'),
  )
  writeFileSync(at('broker.pem'), readFileSync(at('key'), 'utf8') + readFileSync(at('crt'), 'utf8'), { mode: 0o600 })
  return { ca: at('ca.pem'), broker: at('broker.pem') }
}
