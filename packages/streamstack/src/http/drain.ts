import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Engine } from '../engine/index.ts'
import { comeBackMs } from './answer/answer-stopping.ts'
import type { CallTurns } from './call-turns.ts'
import type { Heartbeat } from './reader/heartbeat.ts'
import type { OpenConnections } from './open-connections.ts'
import type { WebSockets } from './websocket/index.ts'

/** How long runs have to come to their end once they are cancelled: finally blocks get 5 s of it. */
const ENDING_MS = 5_500

/** How long what was written last may take to leave. */
const LAST_WORDS_MS = 1_000

/** How often it is looked whether there is anything left to wait for. */
const LOOK_MS = 10

interface Draining {
  engine: Engine
  heartbeat: Heartbeat
  connections: OpenConnections
  turns: CallTurns
  webSockets: WebSockets
}

/**
 * Brings a server to rest. New calls are refused from now on, readers of streams without an end are sent away, and runs may go on for `graceMs` while
 * their readers read; then they are cancelled. Settles when every run has its outcome and what was written has left, or that took too long.
 */
export async function drain(
  { engine, heartbeat, connections, turns, webSockets }: Draining,
  graceMs: number,
): Promise<void> {
  const { runs } = engine
  const areAllTold = (): boolean => connections.answersOpen === 0 && turns.areAllBegun && !webSockets.readRuns
  engine.isDraining = true
  connections.retire()
  // Clients that reconnect while runs still go on are notified once more.
  heartbeat.goodbye(comeBackMs)
  await until(() => runs.activeCount === 0 && areAllTold(), graceMs)
  runs.cancelAll('The server is stopping.')
  await until(() => runs.activeCount === 0, ENDING_MS)
  await until(areAllTold, LAST_WORDS_MS)
}

async function until(isSo: () => boolean, msMax: number): Promise<void> {
  const untilMs = performance.now() + msMax
  // What was handed over last leaves with the next turn.
  await setImmediate()
  while (!isSo() && performance.now() < untilMs) await setTimeout(LOOK_MS)
}
