import { CONTENT_KINDS, CHUNK_KINDS } from '../chunk-kind.ts'
import type { Chunk } from '../chunk.ts'
import { csvLine } from '../csv-line.ts'
import type { Value } from '../value.ts'
import { type AnswerFormat, type Encoder, streaming } from './format.ts'

/**
 * `csv`: objects and lists of objects as rows (RFC 4180, lines end with LF). The keys of the first object are the header; a later object has its cells
 * under the same columns, and keys that are not among them are left out. A list within a list is a row by itself, any other value a row of one cell. A text
 * is sent as it is and a line feed, so that a stack can write its own CSV. An error has no place among rows: any outcome but `completed` breaks the
 * connection.
 */
export const csv: AnswerFormat = {
  name: 'csv',
  mediaTypes: ['text/csv'],
  isShared: false,
  encoder: ({ kinds = CONTENT_KINDS, escapesFormulas = false }): Encoder => ({
    ...streaming,
    contentType: 'text/csv; charset=utf-8',
    heartbeat: '',
    tellsOutcome: false,
    // The columns as JSON; '' before the first object.
    state: '',
    shared: `csv ${escapesFormulas} ${CHUNK_KINDS.filter((kind) => kinds.has(kind)).join()}`,
    chunks(chunks, from, to) {
      const rows = new Rows(this.state, escapesFormulas)
      for (let i = from; i < to; i++) {
        const { kind, data } = chunks[i] as Chunk
        if (!kinds.has(kind)) continue
        if (kind === 'text') rows.out += `${data}\n`
        else if (kind === 'json') rows.add(parsed(data))
      }
      this.state = rows.state
      return rows.out
    },
    fault: () => '',
    end: () => '',
  }),
}

class Rows {
  out = ''
  state: string
  #columns: readonly string[] | null
  readonly #escapesFormulas: boolean

  constructor(state: string, escapesFormulas: boolean) {
    this.state = state
    this.#columns = state === '' ? null : (JSON.parse(state) as string[])
    this.#escapesFormulas = escapesFormulas
  }

  add(value: Value): void {
    if (Array.isArray(value)) for (const item of value as readonly Value[]) this.#row(item)
    else this.#row(value)
  }

  #row(value: Value): void {
    if (typeof value !== 'object' || value === null) this.#line([value])
    else if (Array.isArray(value)) this.#line(value as readonly Value[])
    else this.#object(value as { readonly [key: string]: Value })
  }

  #object(object: { readonly [key: string]: Value }): void {
    if (this.#columns === null) {
      const columns = Object.keys(object)
      // An empty object says nothing about the columns.
      if (columns.length === 0) return
      this.#columns = columns
      this.state = JSON.stringify(columns)
      this.#line(columns)
    }
    this.#line(this.#columns.map((column) => (Object.hasOwn(object, column) ? (object[column] ?? null) : null)))
  }

  #line(values: readonly Value[]): void {
    if (values.length > 0) this.out += csvLine(values, this.#escapesFormulas)
  }
}

/** Whole numbers beyond 2^53 keep their digits, as text. */
function parsed(json: string): Value {
  if (!/\d{16}/.test(json)) return JSON.parse(json) as Value
  return JSON.parse(json, (_, value: Value, context?: { source?: string }) => {
    const source = context?.source
    const isLong = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
    return isLong && source !== undefined && /^-?\d+$/.test(source) ? source : value
  }) as Value
}
