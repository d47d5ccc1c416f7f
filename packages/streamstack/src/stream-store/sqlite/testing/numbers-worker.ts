/** Appends numbers to a stream, small and large, and prints each that was told as kept with the bytes of the write-ahead log by then, until it is killed. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { appendText, createText } from '../../testing/text-streams.ts'
import { openStreamStore } from '../../open-stream-store.ts'
import { numberText } from './number-text.ts'

const [, , folder = ''] = process.argv
const onError = (error: unknown): void => console.error(error)
const store = openStreamStore({ log: 'sqlite', folder, memoryBytes: 0, maxAgeMs: null, maxBytes: null, onError })
await store.create('numbers', createText())
const log = join(folder, 'streams.sqlite-wal')
for (let count = 0; ;) {
  const numbers = Array.from({ length: 1 + (count % 5) }, () => count++)
  await Promise.all(
    numbers.map(async (number) => {
      const producer = { id: 'p', epoch: 0, sequence: number }
      await store.append('numbers', appendText(numberText(number), { producer }))
      process.stdout.write(`${number} ${statSync(log).size}\n`)
    }),
  )
}
