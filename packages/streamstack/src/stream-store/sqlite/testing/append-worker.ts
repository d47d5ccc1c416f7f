/** Appends to a stream as fast as it can and prints each number that was told as kept, until it is killed. */
import { appendText, createText } from '../../testing/text-streams.ts'
import { openStreamStore } from '../../open-stream-store.ts'

const [, , folder = ''] = process.argv
const onError = (error: unknown): void => console.error(error)
const store = openStreamStore({ log: 'sqlite', folder, memoryBytes: 0, maxAgeMs: null, maxBytes: null, onError })
await store.create('killed', createText())
const { tail } = (await store.open('killed')).record
for (let count = tail; ;) {
  const texts = Array.from({ length: 1 + (count % 7) }, () => `${count++};`)
  await Promise.all(
    texts.map(async (text) => {
      await store.append('killed', appendText(text))
      process.stdout.write(text)
    }),
  )
}
