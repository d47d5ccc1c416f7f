/** The process of one contender: starts it, tells its port, answers questions about memory, stops when told or left alone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ContenderModule, HostMessage, HostRequest } from './server-process.ts'

const SAMPLE_MS = 20

const [name = '', options = 'null'] = process.argv.slice(2)
const contender = (await import(`../contenders/${name}.ts`)) as ContenderModule

let peakBytes = 0
setInterval(() => {
  peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
}, SAMPLE_MS).unref()

process.on('disconnect', () => process.exit())
process.on('message', (request: HostRequest) => {
  switch (request.kind) {
    case 'memory':
      void tellMemory(request.settled)
      break
    case 'used':
      void tellUsed()
      break
    case 'peak':
      tell({ kind: 'number', value: Math.max(peakBytes, process.memoryUsage.rss()) })
      peakBytes = 0
      break
    case 'cpu': {
      const { user, system } = process.cpuUsage()
      tell({ kind: 'number', value: (user + system) / 1_000 })
      break
    }
    case 'stop':
      process.exit()
  }
})
tell({ kind: 'port', port: await contender.start(options) })

async function tellMemory(settled: boolean): Promise<void> {
  if (settled) await collectGarbage()
  tell({ kind: 'number', value: process.memoryUsage.rss() })
}

async function tellUsed(): Promise<void> {
  await collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  tell({ kind: 'number', value: heapUsed + external })
}

async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await sleep(50)
    // Last, so that nothing comes between a collection and the measurement.
    globalThis.gc?.()
  }
}

function tell(message: HostMessage): void {
  process.send?.(message)
}
