import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type ServerProcess, startServer } from '../harness/server-process.ts'
import { withWorkspace } from '../harness/temporary-workspace.ts'
import type { Attack, AttackerReport } from './attack.ts'
import { limitsOf } from './catalogue.ts'
import { startUpstream } from './upstream.ts'
import { type VictimReport, victim } from './victim.ts'
import { attackedWorkspace } from './workspace.ts'

const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url))

/** How long the server has to get rid of what an attacker has left. */
const SETTLE_MS = 12_000

export interface AttackOptions {
  readonly seconds: number
  readonly heapMegabytes: number
  /** From 0 to 1. */
  readonly intensity: number
  readonly settleMs?: number
}

export interface AttackReport {
  readonly attack: Attack
  /** The same calls without the attack, on the same server just before. */
  readonly before: VictimReport
  /** While its connections came; null: it has none that stay. */
  readonly arriving: VictimReport | null
  readonly during: VictimReport
  readonly attacker: AttackerReport
  readonly restingBytes: number
  readonly peakBytes: number
  /** A while after the attack. */
  readonly settledBytes: number
  /** What its heap and buffers held before the attack and a while after it, after garbage collections. */
  readonly heldBeforeBytes: number
  readonly heldAfterBytes: number
  /** Null: it still runs. */
  readonly death: string | null
}

/** Starts a server with a small heap, measures its victims without and with the attack, and what memory it takes. */
export async function measure(attack: Attack, options: AttackOptions): Promise<AttackReport> {
  const isSecure = attack.isSecure === true
  const upstream = await startUpstream()
  const files = attackedWorkspace(isSecure, (upstream.address() as AddressInfo).port, limitsOf[attack.name])
  try {
    return await withWorkspace(files, async (dir) => {
      const server = await startServer('streamstack', { dir }, { heapMegabytes: options.heapMegabytes })
      try {
        return await measured(server, attack, options)
      } finally {
        await server.stop().catch(() => undefined)
      }
    })
  } finally {
    upstream.closeAllConnections()
    upstream.close()
  }
}

async function measured(
  server: ServerProcess,
  attack: Attack,
  { seconds, intensity, settleMs = SETTLE_MS }: AttackOptions,
): Promise<AttackReport> {
  const { port } = server
  const isSecure = attack.isSecure === true
  const durationMs = seconds * 1_000
  // Warm: its code is compiled.
  await victim({ port, isSecure, durationMs: Math.min(2_000, durationMs) })
  const restingBytes = await server.memory(false)
  const heldBeforeBytes = await server.usedMemory()
  const before = await victim({ port, isSecure, durationMs: Math.min(15_000, durationMs) })
  await server.peakMemory()
  const attacker = fork(ATTACKER, [attack.name, String(port), String(intensity)])
  const reported = Promise.race([
    once(attacker, 'message') as Promise<[AttackerReport]>,
    once(attacker, 'exit').then(([code]) => {
      throw new Error(`The attacker '${attack.name}' ended with code ${code} and no report.`)
    }),
  ])
  reported.catch(() => undefined)
  await once(attacker, 'spawn')
  let death: string | null = null
  const ask = async (question: Promise<number>): Promise<number> =>
    question.catch((error: unknown) => {
      death = (error as Error).message
      return Number.NaN
    })
  const { arrivalMs = 0 } = attack
  const arriving = arrivalMs === 0 ? null : await victim({ port, isSecure, durationMs: arrivalMs })
  const during = await victim({ port, isSecure, durationMs })
  const peakBytes = await ask(server.peakMemory())
  attacker.send('stop', () => undefined)
  const [attackerReport] = await reported
  await sleep(settleMs)
  const settledBytes = await ask(server.memory(true))
  const heldAfterBytes = await ask(server.usedMemory())
  return {
    attack,
    before,
    arriving,
    during,
    attacker: attackerReport,
    restingBytes,
    peakBytes,
    settledBytes,
    heldBeforeBytes,
    heldAfterBytes,
    death,
  }
}
