import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StreamStorage } from '../storage.ts'

/**
 * A storage whose writes and trims settle some turns of the event loop late, as those of a database on another machine
 * do. Writes keep their order; a trim may overtake those that come before it. Reads are answered at once, as the
 * contract of storages has them.
 */
export function waitingStorage(storage: StreamStorage): StreamStorage {
  let writes: Promise<unknown> = Promise.resolve()
  let trims = 0
  return {
    load: (name) => storage.load(name),
    nextId: () => storage.nextId(),
    producer: (id, producer) => storage.producer(id, producer),
    admit: (bytes) => storage.admit(bytes),
    write(changes) {
      // Taken at once: what is read next is judged by it.
      const taken = storage.write(changes)
      const settled = writes.then(async () => {
        await taken
        await nextTurn()
      })
      writes = settled.catch(() => undefined)
      return settled
    },
    read: (owner, after, through, bytesMax) => storage.read(owner, after, through, bytesMax),
    async trim(record, limits) {
      trims += 1
      for (let turn = 0; turn <= trims % 3; turn += 1) await nextTurn()
      return storage.trim(record, limits)
    },
    nameOf: (key) => storage.nameOf(key),
    noted: (query) => storage.noted(query),
    names: (after, limit) => storage.names(after, limit),
    due: (query) => storage.due(query),
    documents: (prefix) => storage.documents(prefix),
    onFailure: (listener) => storage.onFailure(listener),
    async close() {
      await writes
      await storage.close()
    },
  }
}
