import { createServer } from 'node:net'

/** Below the ranges from which systems choose for port 0 and for outgoing connections. */
const PORT_MIN = 20_000
const PORT_MAX = 32_000
/** Ports of one worker of the test runner: no two of them choose the same at once. */
const WORKER_PORTS = 500

const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % ((PORT_MAX - PORT_MIN) / WORKER_PORTS)
const given = new Set<number>()

/** A port of 127.0.0.1 that no test gets by asking for port 0: a server can go and come back there. */
export async function ownPort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + worker * WORKER_PORTS + Math.floor(Math.random() * WORKER_PORTS)
    if (given.has(port)) continue
    const probe = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => probe.close(resolve))
    given.add(port)
    return port
  }
}
