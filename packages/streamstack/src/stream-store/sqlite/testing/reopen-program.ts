/**
 * Opens the streams of a folder and prints what it finds ({@link Found}) as JSON. With `append` it also appends the next number, twice.
 * A process of its own for each folder: one that opens many, each with a thread, can meet a fault of V8 ("Check failed: jit_page.has_value()").
 */
import { appendText, createText, textAfter } from '../../testing/text-streams.ts'
import { openStreamStore } from '../../open-stream-store.ts'
import { StreamstackError } from '@streamstack/protocol'
import type { StreamStore } from '../../stream-store.ts'
import { numbersIn, numberText } from './number-text.ts'

export type Found =
  | { readonly code: string; readonly status: number }
  | { readonly length: number; readonly count: number | null; readonly appended: Appended | null }

interface Appended {
  /** Whether each of the two appends was taken for one that was there. */
  readonly isDuplicate: readonly boolean[]
  readonly count: number | null
}

const [, , folder = '', mode = 'read'] = process.argv

async function find(): Promise<Found> {
  let store: StreamStore | null = null
  try {
    const onError = (error: unknown): void => console.error(error)
    store = openStreamStore({ log: 'sqlite', folder, memoryBytes: 0, maxAgeMs: null, maxBytes: null, onError })
    const stream =
      mode === 'append' ? (await store.create('numbers', createText())).stream : await store.open('numbers')
    const text = await textAfter(store, stream)
    const count = numbersIn(text)
    if (mode !== 'append' || count === null) return { length: text.length, count, appended: null }
    const isDuplicate: boolean[] = []
    for (let time = 0; time < 2; time++) {
      const producer = { id: 'p', epoch: 0, sequence: count }
      isDuplicate.push((await store.append('numbers', appendText(numberText(count), { producer }))).isDuplicate)
    }
    return { length: text.length, count, appended: { isDuplicate, count: numbersIn(await textAfter(store, stream)) } }
  } catch (error) {
    if (!(error instanceof StreamstackError)) throw error
    return { code: error.code, status: error.status }
  } finally {
    await store?.close()
  }
}

process.stdout.write(JSON.stringify(await find()))
