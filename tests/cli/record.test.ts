import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { outputFiles } from '../../connectors/parquet/outputManifest.ts'
import { recordingsOf } from '../../connectors/parquet/recording.ts'
import { answerOf, main, tickloom } from '../kit/commandLine.ts'
import { describeKafka, freshTopic, kafkaHere } from '../kit/kafka.ts'

const folder = mkdtempSync(join(tmpdir(), 'tickloom-record-'))

describeKafka('tickloom record', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('keeps what is recorded when it is told another epoch or topic, and goes on for another group', async () => {
    const [topic, lake] = [freshTopic('record'), join(folder, 'lake')]
    const brokers = ['--brokers', kafkaHere().brokers.join(',')]
    const feed = [
      'feed',
      '--synth',
      '--symbols',
      'NIFTY',
      '--strikes',
      '1',
      '--speed',
      'max',
      '--topic',
      topic,
      '--partitions',
      '1',
      '--quiet',
      ...brokers,
    ]
    expect((await tickloom([...feed, '--time', '09:15..09:20'])).code).toBe(0)
    const manifests = () => (existsSync(join(lake, 'recorded/meta')) ? readdirSync(join(lake, 'recorded/meta')) : [])
    const record = async (group: string, rows: number) => {
      const child = spawn(process.execPath, [
        main,
        'record',
        '--topics',
        topic,
        '--lake',
        lake,
        '--group',
        `${topic}-${group}`,
        '--epoch',
        '10s',
        '--quiet',
        ...brokers,
      ])
      const answer = answerOf(child)
      const there = () => (existsSync(join(lake, 'recorded/meta')) ? outputFiles(join(lake, 'recorded'), '0').reduce((sum, f) => sum + f.rows, 0) : 0)
      const began = JSON.stringify(manifests())
      const begun = () => JSON.stringify(manifests()) !== began && there() >= rows
      for (const end = performance.now() + 40_000; !begun() && performance.now() < end; ) await sleep(100)
      child.kill('SIGTERM')
      expect((await answer).code).toBe(0)
      return there()
    }
    const before = await record('a', 900)
    expect(before).toBeGreaterThanOrEqual(900)
    const files = recordingsOf(lake)
    for (const more of [
      ['--epoch', '1m'],
      ['--topics', `${topic}-dlq`],
    ]) {
      const { code, stderr } = await tickloom([
        'record',
        '--topics',
        topic,
        '--lake',
        lake,
        '--group',
        `${topic}-a`,
        '--epoch',
        '10s',
        ...brokers,
        ...more.slice(0, 2),
      ])
      expect([code, /RUN_MISMATCH/.test(stderr)], more[0]).toEqual([2, true])
    }
    expect(recordingsOf(lake)).toEqual(files)
    // A group without a checkpoint reads from the oldest record and files it anew.
    expect(await record('b', 900)).toBeGreaterThanOrEqual(900)
  }, 120_000)
})
