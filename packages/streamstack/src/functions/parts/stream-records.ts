import type { Value } from '@streamstack/protocol'
import type { ParameterShape, StepNode } from '../../definition/types.ts'
import { type Frame, type Strand, metadataText } from '../../run/index.ts'
import { type Page, type PageMemo, type Query, followPage, movesOf, rememberPage } from '../../table/index.ts'
import { numberArgument } from './arguments.ts'
import type { Compiler } from './compiler.ts'
import { isPaced, pace } from './pacing.ts'
import { send } from './send.ts'

/** What reading a page costs beside plain ops. */
const PAGE_BURN = 16

const CHUNK_RECORDS = 100
const CHUNK_RECORDS_MAX = 100_000

/** Parameters of Get Records that send what it reads. */
export const streamParameters = {
  chunk_by: {
    kind: 'literal',
    summary:
      '`records`: sends the records to the response instead of keeping them in a variable, a chunk for every `chunk_size` of them, read page by page. `limit` is then how many in all.',
    type: 'text',
    values: ['records'],
  },
  chunk_size: {
    kind: 'value',
    summary: 'With `chunk_by`: records per chunk.',
    type: 'integer',
    default: CHUNK_RECORDS,
    aliases: ['batch_size'],
  },
  metadata: {
    kind: 'value',
    summary:
      'With `chunk_by`: metadata of each chunk. `batch_number` (from 1), `records_in_batch`, `total_processed` (with this chunk) and `estimated_total` are set in it.',
    type: 'object',
  },
} as const satisfies Record<string, ParameterShape>

interface Parts {
  query(this: void, frame: Frame): Query
  /** Counts all that the query matches. */
  estimate(this: void, frame: Frame, strand: Strand): number | Promise<number>
}

/** Compiles a Get Records that sends what it reads: each page goes out as the database wrote it, and none is empty. */
export function compileRecordStream(step: StepNode, compiler: Compiler, { query, estimate }: Parts): void {
  // Without `as`, a step is given the default.
  if (step.as !== null && step.as !== 'records') {
    const message = 'With `chunk_by` the records go to the response and into no variable; remove `as`.'
    return compiler.issue('error', message, step.position)
  }
  const size = numberArgument(step, compiler, 'chunk_size', CHUNK_RECORDS, {
    min: 1,
    max: CHUNK_RECORDS_MAX,
    integer: true,
  })
  const slots = {
    /** The query, fixed when the step begins: its pages belong together. */
    query: compiler.slot(),
    memo: compiler.slot(),
    page: compiler.slot(),
    batch: compiler.slot(),
    inBatch: compiler.slot(),
    sent: compiler.slot(),
    total: compiler.slot(),
  }
  const { evaluate, asksForTotal } = metadataOf(step, compiler, slots)
  const next = compiler.label()
  const done = compiler.label()

  compiler.emit((frame) => {
    frame.slots[slots.query] = query(frame) as never
    frame.slots[slots.memo] = null
    frame.slots[slots.batch] = 0
    frame.slots[slots.sent] = 0
  })
  if (asksForTotal) {
    compiler.emit((frame, strand) => {
      const take = (total: number): void => {
        frame.slots[slots.total] = total
      }
      const total = estimate(frame, strand)
      return total instanceof Promise ? strand.untilEnded(total).then(take) : take(total)
    })
  }

  compiler.place(next)
  compiler.emit((frame, strand) => {
    const { records } = strand.run
    const asked = pageOf(frame, slots, size(frame))
    if (asked.limit === 0) {
      frame.pc = done.pc
      return undefined
    }
    strand.run.countIteration()
    strand.burn(PAGE_BURN)
    const known = frame.slots[slots.memo] as unknown as PageMemo | null
    // Before the page is read: what moves meanwhile counts against it.
    const moves = movesOf(records, asked)
    const take = (page: Page): void => {
      strand.burn(page.json.length >> 9)
      frame.slots[slots.memo] = rememberPage(known, asked, page, moves) as never
      if (page.length === 0) frame.pc = done.pc
      frame.slots[slots.page] = page.json
      frame.slots[slots.inBatch] = page.length
      frame.slots[slots.batch] = (frame.slots[slots.batch] as number) + 1
      frame.slots[slots.sent] = (frame.slots[slots.sent] as number) + page.length
    }
    const page = records.page(followPage(known, asked, moves), 'json')
    return page instanceof Promise ? strand.untilEnded(page).then(take) : take(page)
  })
  compiler.emit((_, strand) => {
    const how = { pacing: 'fixed', delayMs: 0, callerDelayMs: strand.run.options?.delayMs ?? null } as const
    return isPaced(how) ? pace(strand, how, null, 1) : undefined
  })
  compiler.emit((frame, strand) => {
    const chunk = { kind: 'json', data: frame.slots[slots.page] as string, metadata: evaluate(frame) } as const
    return send(frame, strand, chunk, {
      sent() {
        frame.slots[slots.page] = null
        if (frame.slots[slots.inBatch] === size(frame)) frame.pc = next.pc
      },
    })
  })
  compiler.place(done)
}

function pageOf(frame: Frame, slots: { query: number; sent: number }, size: number): Query {
  const all = frame.slots[slots.query] as unknown as Query
  const sent = frame.slots[slots.sent] as number
  return { ...all, offset: all.offset + sent, limit: Math.min(size, all.limit === null ? size : all.limit - sent) }
}

function metadataOf(
  step: StepNode,
  compiler: Compiler,
  slots: { batch: number; inBatch: number; sent: number; total: number },
): { evaluate: (frame: Frame) => string | null; asksForTotal: boolean } {
  const node = step.parameters['metadata']
  if (node === undefined) return { evaluate: () => null, asksForTotal: false }
  const names = new Map([
    ['batch_number', slots.batch],
    ['records_in_batch', slots.inBatch],
    ['total_processed', slots.sent],
    ['estimated_total', slots.total],
  ])
  let metadata: { evaluate(frame: Frame): Value } = { evaluate: () => null }
  let asksForTotal = false
  compiler.withNames(names, () => {
    const expression = compiler.value(node)
    metadata = expression
    asksForTotal = expression.references.some(({ name }) => name === 'estimated_total')
  })
  return { evaluate: (frame) => metadataText(metadata.evaluate(frame)), asksForTotal }
}
