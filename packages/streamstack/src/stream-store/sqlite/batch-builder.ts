import type { Change } from '../storage.ts'
import { createRow, updateRow } from './record-row.ts'
import type { Batch, Cell, Operation } from './writer-protocol.ts'

type ChunkChange = Extract<Change, { kind: 'chunk' }>

/**
 * Gathers changes for the writer thread. Many small objects would be copied to it one by one; numbers and bytes go in one piece each. Records
 * are taken down as they are when the change comes: later changes may go with a later transaction.
 */
export class BatchBuilder {
  bytes = 0
  readonly #operations: Operation[] = []
  readonly #chunks: ChunkChange[] = []
  readonly #updates = new Map<number, readonly Cell[]>()
  readonly #producers: Cell[][] = []

  add(change: Change): void {
    switch (change.kind) {
      case 'create':
        this.#operations.push({ kind: 'create', row: createRow(change.record) })
        return
      case 'remove':
        this.#operations.push({ kind: 'remove', id: change.record.id })
        return
      case 'note':
        this.#operations.push({ kind: 'note', id: change.record.id, text: change.record.note })
        return
      case 'document':
        this.#operations.push({ kind: 'document', name: change.name, text: change.text })
        return
      case 'chunk':
        this.bytes += change.data.length
        this.#chunks.push(change)
        return
      case 'update':
        this.#updates.set(change.record.id, updateRow(change.record))
        return
      case 'producer':
        this.#producers.push([change.id, change.producer, change.state.epoch, change.state.sequence])
    }
  }

  /** `firstKey` is the journal's for the first chunk. */
  build(firstKey: number): Batch {
    const data = new Uint8Array(this.bytes)
    const chunks = new Float64Array(this.#chunks.length * 4)
    let end = 0
    let at = 0
    for (const chunk of this.#chunks) {
      data.set(chunk.data, end)
      end += chunk.data.length
      chunks[at] = chunk.id
      chunks[at + 1] = chunk.position
      chunks[at + 2] = chunk.atMs
      chunks[at + 3] = chunk.data.length
      at += 4
    }
    const updates = [...this.#updates.values()]
    return { kind: 'batch', operations: this.#operations, firstKey, chunks, data, updates, producers: this.#producers }
  }
}
