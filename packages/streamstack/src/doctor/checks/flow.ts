import { cached } from './cached.ts'
import { curesOf } from '../cures.ts'
import type { Examination, ProbeReading } from '../examination.ts'
import { type Finding, ok, problem, warning } from '../finding.ts'
import type { Piece, Reading, Tick } from '../read-probe.ts'
import { inTime } from '../words.ts'

const TICKS = 8
/** Enough to fill a buffer of 64 KiB, in steps that tell one size from the next. */
const SIZING = { chunks: 90, interval: 20, bytes: 1_024 }
const BUFFER_KIB = [1, 2, 4, 8, 16, 32, 64] as const

/** Whether what the server writes arrives when it was written, and as it was written. `reading` null: a cache answered. */
export async function flow(
  examination: Examination,
): Promise<{ findings: readonly Finding[]; reading: ProbeReading | null }> {
  const reading = await calmestProbe(examination)
  if (reading.seen !== null && reading.seen.id !== reading.id) return { findings: [cached(examination)], reading: null }
  const { proxies, options } = examination
  const rhythm = rhythmOf(reading.ticks, options.intervalMs)
  const findings: Finding[] = []
  if (!reading.isWhole) findings.push(cutShort(examination, reading))
  if (rhythm.isHeld) findings.push(await buffered(examination, reading, rhythm))
  else if (rhythm.isUneven) findings.push(delayed(examination, reading, rhythm))
  else if (reading.ticks.length > 1) {
    findings.push(
      ok(
        'buffering',
        `${reading.ticks.length} events, sent ${options.intervalMs} ms apart, arrived one by one, at most ${inTime(rhythm.heldMs)} late.`,
      ),
    )
  }
  if (reading.contentEncoding !== '') {
    const seen = `The answer is compressed (${reading.contentEncoding}), although it says no-transform.`
    findings.push(
      rhythm.isHeld
        ? problem('compression', `${seen} Compressors wait for more.`, curesOf('compression', proxies))
        : warning('compression', `${seen} The events still arrive in time.`, curesOf('compression', proxies)),
    )
  }
  if (reading.isSame === false) {
    findings.push(
      problem('body', 'The bytes that arrived are not those that the server sent.', curesOf('rewriting', proxies)),
    )
  } else if (reading.isSame === true && reading.contentEncoding === '') {
    findings.push(ok('body', 'Arrived as the server sent it, neither compressed nor changed.'))
  }
  return { findings, reading }
}

/** A single hiccup of the network also makes events arrive together: what a second look does not show does not count. */
async function calmestProbe(examination: Examination): Promise<ProbeReading> {
  const { intervalMs } = examination.options
  const look = (): Promise<ProbeReading> => examination.probe({ chunks: TICKS, interval: intervalMs })
  const first = await look()
  const firstRhythm = rhythmOf(first.ticks, intervalMs)
  if (first.isWhole && !firstRhythm.isHeld && !firstRhythm.isUneven) return first
  const second = await look()
  if (first.isWhole !== second.isWhole) return first.isWhole ? first : second
  return rhythmOf(second.ticks, intervalMs).heldMs < firstRhythm.heldMs ? second : first
}

interface Rhythm {
  /** How much later than the quickest event the latest one came. */
  readonly heldMs: number
  /** Groups in which the events arrived. */
  readonly bursts: readonly { readonly ticks: number; readonly atMs: number }[]
  /** Whether something held events back. */
  readonly isHeld: boolean
  /** Whether many came late, though not so late that they were held. */
  readonly isUneven: boolean
}

/** What is late by less is the network's doing. */
const LATE_MS_MIN = 80
const LATE_SHARE_MIN = 0.25

function rhythmOf(ticks: readonly Tick[], intervalMs: number): Rhythm {
  const quickestMs = Math.min(...ticks.map(({ sentMs, arrivedMs }) => arrivedMs - sentMs))
  const lateness = ticks.map(({ sentMs, arrivedMs }) => arrivedMs - sentMs - quickestMs)
  const heldMs = Math.max(0, ...lateness)
  const bursts = inBursts(
    ticks.map(({ arrivedMs }) => ({ atMs: arrivedMs, bytes: 1 })),
    intervalMs / 4,
  ).map(({ bytes, atMs }) => ({ ticks: bytes, atMs }))
  const together = ticks.length - bursts.length
  const late = lateness.filter((ms) => ms >= Math.max(LATE_MS_MIN, intervalMs / 2))
  return {
    heldMs,
    bursts,
    isHeld: heldMs >= 2 * intervalMs && together >= (ticks.length - 1) / 2,
    isUneven: late.length >= ticks.length * LATE_SHARE_MIN && late.length > 1,
  }
}

/** Pieces that came with hardly any time between them, as one each. */
function inBursts(pieces: readonly Piece[], gapMs: number): Piece[] {
  const bursts: { bytes: number; atMs: number; untilMs: number }[] = []
  for (const { bytes, atMs } of pieces) {
    const last = bursts.at(-1)
    if (last === undefined || atMs - last.untilMs > gapMs) bursts.push({ bytes, atMs, untilMs: atMs })
    else {
      last.bytes += bytes
      last.untilMs = atMs
    }
  }
  return bursts
}

async function buffered(examination: Examination, { ticks }: Reading, { heldMs, bursts }: Rhythm): Promise<Finding> {
  const { intervalMs } = examination.options
  const how = bursts.length === 1 ? 'arrived together' : `arrived in ${bursts.length} groups`
  const seen = `${ticks.length} events, sent ${intervalMs} ms apart, ${how}, up to ${inTime(heldMs)} late.`
  return problem(
    'buffering',
    `${seen} ${await whatHolds(examination, bursts)}`,
    curesOf('buffering', examination.proxies),
  )
}

/** Nagle's algorithm and its relatives: some 200 ms, until more comes or the last packet is confirmed. */
function delayed({ proxies, options }: Examination, { ticks }: Reading, { heldMs }: Rhythm): Finding {
  return warning(
    'delay',
    `${ticks.length} events, sent ${options.intervalMs} ms apart, arrived unevenly, up to ${inTime(heldMs)} late: something waits a moment for more before it sends.`,
    curesOf('delay', proxies),
  )
}

/** How much, or how long, is held back. */
async function whatHolds(examination: Examination, small: Rhythm['bursts']): Promise<string> {
  // Events this small fill no buffer: what let them through was a clock.
  if (small.length > 1) {
    const spanMs = (small.at(-1)?.atMs ?? 0) - (small[0]?.atMs ?? 0)
    return `Something lets through what it has about every ${inTime(spanMs / (small.length - 1))}.`
  }
  const { pieces } = await examination.probe(SIZING)
  const bursts = inBursts(pieces, SIZING.interval / 2)
  // The last one is what was left over.
  const size = usualSize(bursts.slice(0, -1).map(({ bytes }) => bytes))
  if (size < 512) return 'It is held until the stream is over.'
  const kib = BUFFER_KIB.toSorted((one, other) => distance(one, size) - distance(other, size))[0]
  return `Small events are held until there are about ${kib} KiB.`
}

/** The size of the group in which the middle byte came: a group that arrived in two parts, or two that arrived as one, change nothing. */
function usualSize(sizes: readonly number[]): number {
  let left = sizes.reduce((sum, bytes) => sum + bytes, 0) / 2
  return sizes.toSorted((one, other) => one - other).find((bytes) => (left -= bytes) <= 0) ?? 0
}

function distance(kib: number, bytes: number): number {
  return Math.abs(Math.log(bytes / (kib * 1024)))
}

function cutShort({ proxies, options }: Examination, { exchange, ticks }: Reading): Finding {
  const after = `after ${inTime(exchange.durationMs)}, with ${ticks.length} of ${TICKS} events that were sent ${options.intervalMs} ms apart`
  switch (exchange.ending) {
    case 'clean':
      return problem(
        'cut',
        `The stream ended ${after}, and looks complete to HTTP: clients have only its missing last event to know better.`,
        curesOf('cut', proxies),
      )
    case 'late':
      return problem(
        'buffering',
        `The stream had not arrived ${after}: something holds it back.`,
        curesOf('buffering', proxies),
      )
    default:
      return problem('cut', `The stream was cut ${after}.`, curesOf('cut', proxies))
  }
}
