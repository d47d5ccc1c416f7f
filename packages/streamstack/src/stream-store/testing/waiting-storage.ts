import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StreamStorage } from '../storage.ts'

/**
 * A storage whose answers all wait, as those of a database on another machine do: each comes one to three turns of the
 * event loop late, so that reads and trims overtake one another. Writes are taken at once, in the order of the calls,
 * and settle in that order.
 */
export function waitingStorage(storage: StreamStorage): StreamStorage {
  let writes: Promise<unknown> = Promise.resolve()
  let answers = 0
  async function late<T>(answer: () => T | Promise<T>): Promise<T> {
    answers += 1
    const turns = 1 + (answers % 3)
    try {
      return await answer()
    } finally {
      for (let turn = 0; turn < turns; turn += 1) await nextTurn()
    }
  }
  return {
    load: (name) => late(() => storage.load(name)),
    nextId: () => storage.nextId(),
    producer: (id, producer) => late(() => storage.producer(id, producer)),
    admit: (bytes) => storage.admit(bytes),
    write(changes) {
      const taken = Promise.resolve(storage.write(changes))
      // Told in its turn, below.
      taken.catch(() => undefined)
      const settled = writes.then(async () => {
        await taken
        await nextTurn()
      })
      writes = settled.catch(() => undefined)
      return settled
    },
    read: (...parameters) => late(() => storage.read(...parameters)),
    trim: (...parameters) => late(() => storage.trim(...parameters)),
    nameOf: (key) => late(() => storage.nameOf(key)),
    noted: (query) => late(() => storage.noted(query)),
    names: (...parameters) => late(() => storage.names(...parameters)),
    due: (query) => late(() => storage.due(query)),
    documents: (prefix) => late(() => storage.documents(prefix)),
    onFailure: (listener) => storage.onFailure(listener),
    async close() {
      await writes
      await storage.close()
    },
  }
}
