import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { programsIn } from '../../../connectors/kafka/dev/fetch.ts'
import { freePorts } from '../../../connectors/kafka/dev/ports.ts'
import { openDriver } from '../../../connectors/kafka/openDriver.ts'
import type { Setting } from '../../../connectors/kafka/settings.ts'
import { type Certificates, makeCertificates } from '../../kit/certificates.ts'
import { configOf, record } from '../../kit/driverBench.ts'
import { describeKafka, freshTopic, type OwnKafka, ownKafka } from '../../kit/kafka.ts'

type Given = Partial<Record<Setting, string>>

const PASSWORD = 'right-pa55word'
const WRONG = 'wr0ng-pa55word'
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule'

describeKafka(
  'a broker that asks who is there',
  () => {
    let kafka: OwnKafka
    let dir: string
    let [login, secure]: [number, number] = [0, 0]
    let [known, other]: Certificates[] = []
    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), 'tickloom-login-'))
      known = makeCertificates(dir, 'known')
      other = makeCertificates(dir, 'other')
      const [open, controller, ...asking] = await freePorts(4)
      ;[login, secure] = asking as [number, number]
      const listeners = `PLAINTEXT://127.0.0.1:${open},LOGIN://127.0.0.1:${login},SECURE://127.0.0.1:${secure}`
      kafka = await ownKafka({
        properties: {
          ...{ listeners: `${listeners},CONTROLLER://127.0.0.1:${controller}`, 'advertised.listeners': listeners },
          'controller.quorum.voters': `1@127.0.0.1:${controller}`,
          'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT,SECURE:SASL_SSL',
          'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
          ...logins('login'),
          ...logins('secure'),
          ...{ 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': known.broker },
        },
      })
      addScramUser(`127.0.0.1:${open}`, dir)
    })
    afterAll(async () => {
      await kafka?.stop()
      rmSync(dir, { recursive: true, force: true })
    })

    describe.each(['kafkajs', 'platformatic'])('%s', (driver) => {
      const plainly = (password: string): [string, Given] => [`127.0.0.1:${login}`, { sasl: 'plain', user: 'trader', password }]
      const scrambled = (password: string): [string, Given] => [`127.0.0.1:${login}`, { sasl: 'scram-sha-256', user: 'scrambled', password }]
      const securely = (ca: string): [string, Given] => [`127.0.0.1:${secure}`, { sasl: 'scram-sha-512', user: 'scrambled', password: PASSWORD, ca }]

      test.each([
        ['a password', () => plainly(PASSWORD)],
        ['a password that is not sent', () => scrambled(PASSWORD)],
        ['TLS and a password', () => securely(known.ca)],
      ])('is let in by %s', async (_, given) => {
        const opened = await openDriver(configOf(driver, ...given()))
        const topic = freshTopic('login')
        await (await opened.admin()).create({ name: topic, partitions: 1 })
        await (await opened.producer()).send({ topic, partition: 0, records: [record('a')] })
        const found: string[] = []
        for await (const batch of (await opened.reader()).read({ topic, partition: 0 })) found.push(String(batch.values[0]))
        expect(found).toEqual(['a'])
        await opened.close()
      })

      test.each([
        ['a wrong password', () => plainly(WRONG)],
        ['a wrong password that is not sent', () => scrambled(WRONG)],
        ['a certificate signed by somebody else', () => securely(other.ca)],
      ])('is KAFKA_REFUSED for %s, at once, and nothing shows the password', async (_, given) => {
        const logged: string[] = []
        const started = performance.now()
        const log = (_level: string, message: string): void => void logged.push(message)
        const [broker, settings] = given()
        const failure = await openDriver(configOf(driver, broker, { ...settings, connectTimeout: '10m' }), { log }).catch((error: unknown) => error)
        expect(failure).toMatchObject({ code: 'KAFKA_REFUSED' })
        // Who tries again does so for as long as connecting may take.
        expect(performance.now() - started).toBeLessThan(20_000)
        const shown = inspect(failure, { depth: 9, showHidden: true }) + JSON.stringify(failure) + logged.join()
        expect(shown).not.toContain(WRONG)
        expect(shown).not.toContain(PASSWORD)
      })
    })
  },
  { shared: false },
)

/** Every listener needs all the mechanisms that there are. */
function logins(listener: string): Record<string, string> {
  const jaas = (mechanism: string): string => `listener.name.${listener}.${mechanism}.sasl.jaas.config`
  return {
    [jaas('plain')]: `${PLAIN} required user_trader="${PASSWORD}";`,
    [jaas('scram-sha-256')]: `${SCRAM} required;`,
    [jaas('scram-sha-512')]: `${SCRAM} required;`,
  }
}

/** Neither driver can, and the broker's own tools are not among what is fetched; its client for Java is. */
function addScramUser(bootstrap: string, dir: string): void {
  const program = `import java.util.*; import org.apache.kafka.clients.admin.*;
    class AddUser { public static void main(String[] given) throws Exception {
      try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", given[0]))) {
        for (ScramMechanism mechanism : List.of(ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512))
          admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion("scrambled", new ScramCredentialInfo(mechanism, 4096), given[1]))).all().get();
      } } }`
  const file = join(dir, 'AddUser.java')
  writeFileSync(file, program)
  execFileSync('java', ['-Xmx256m', '-cp', join(programsIn().kafka, '*'), file, bootstrap, PASSWORD], { stdio: 'pipe' })
}
