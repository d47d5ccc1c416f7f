import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from './harness/connection.ts'
import type { ServerProcess } from './harness/server-process.ts'

/** What one open answer holds at a moment, beyond the idle server. */
export interface Held {
  /** Since the last answer was asked for. */
  seconds: number
  /** Heap and buffers after garbage collections. */
  usedBytes: number
  residentBytes: number
}

/**
 * What each of many answers that are open at once holds, looked at every few seconds while they go on. The server has served as many before, so that code and
 * buffers have their size.
 */
export async function heldByAnswers(
  server: ServerProcess,
  streams: number,
  seconds: readonly number[],
): Promise<Held[]> {
  await leaveAfter(await ask(server, streams), 1_000)
  await sleep(1_000)
  const idleUsed = await server.usedMemory()
  const idleResident = await server.memory(false)
  const open = await ask(server, streams)
  const held: Held[] = []
  const askedMs = performance.now()
  for (const second of seconds) {
    await sleep(askedMs + second * 1_000 - performance.now())
    const residentBytes = ((await server.memory(false)) - idleResident) / streams
    const usedBytes = ((await server.usedMemory()) - idleUsed) / streams
    held.push({ seconds: second, usedBytes, residentBytes })
  }
  const closed = open.filter(({ isOpen }) => !isOpen()).length
  if (closed > 0) throw new Error(`${closed} of ${streams} answers ended before they were measured`)
  await leaveAfter(open, 0)
  return held
}

interface OpenAnswer {
  isOpen(this: void): boolean
  leave(this: void): void
}

/** Callers come over a second, so that not all answers are at the same place. */
async function ask(server: ServerProcess, streams: number): Promise<OpenAnswer[]> {
  return Promise.all(
    Array.from({ length: streams }, async (_, index) => {
      await sleep((index / streams) * 1_000)
      const connection = new Connection(server.port, 16 * 1024)
      await connection.opened
      let isOpen = true
      const end = (): void => void (isOpen = false)
      connection.request('/reply?format=sse', () => undefined).then(end, end)
      return { isOpen: () => isOpen, leave: () => connection.close() }
    }),
  )
}

async function leaveAfter(answers: readonly OpenAnswer[], restMs: number): Promise<void> {
  await sleep(restMs)
  for (const answer of answers) answer.leave()
}
