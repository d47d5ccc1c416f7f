import { pino } from 'pino'
import { Engine } from '../engine/index.ts'
import { startServer } from '../http/index.ts'
import { coverageOf } from './coverage.ts'
import { RecordedAnswers } from './recorded-answers.ts'
import type { ChildMessage, ParentMessage } from './child-messages.ts'

/** The process that `streamstack test` serves a workspace in. It speaks with the runner over the channel of `fork`. */

const tell = (message: ChildMessage): void => void process.send?.(message)

process.on('message', (message: ParentMessage) => {
  if (message.type === 'start') {
    start(message).catch((error: unknown) => tell({ type: 'failed', message: (error as Error).message }))
  }
})
// The runner has ended.
process.on('disconnect', () => process.exit())

async function start({ dir, data, port, rewrite, records }: Extract<ParentMessage, { type: 'start' }>): Promise<void> {
  const recorded = new RecordedAnswers()
  const log = pino({ level: 'silent' })
  const engine = await Engine.open({
    dir,
    log,
    serves: true,
    mode: 'dev',
    dataFolder: data,
    ...(records && { onUpstreamAnswer: (answer) => recorded.add(answer) }),
    adjustSettings: (settings) => ({
      ...settings,
      outbound: {
        ...settings.outbound,
        allow: [...settings.outbound.allow, ...Object.values(rewrite).map((url) => new URL(url).host)],
        rewrite: { ...settings.outbound.rewrite, ...rewrite },
      },
    }),
  })
  await engine.seedTables()
  const coverage = coverageOf(engine)
  const server = await startServer({ engine, host: '127.0.0.1', port })
  process.on('message', (message: ParentMessage) => {
    if (message.type === 'memory') {
      // Twice: what finalisers let go is collected by the second.
      globalThis.gc?.()
      globalThis.gc?.()
      tell({ type: 'memory', bytes: process.memoryUsage.rss() })
    }
    if (message.type === 'coverage') tell({ type: 'coverage', endpoints: coverage.report() })
    if (message.type === 'recorded') tell(recordedBy(recorded))
  })
  tell({ type: 'started', url: server.url, jwt: engine.settings.auth.jwt })
}

function recordedBy(recorded: RecordedAnswers): ChildMessage {
  try {
    return { type: 'recorded', answers: recorded.all() }
  } catch (error) {
    return { type: 'failed', message: (error as Error).message }
  }
}
