import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonMessages } from '../json-messages.ts'
import { formatOffset, parseStreamOffset } from '../offset.ts'
import type { NotedStream } from '../storage.ts'
import type { StreamEvent, StreamStore, StreamStoreOptions } from '../stream-store.ts'
import { appendText, createText, textAfter } from './text-streams.ts'

/** Opens a store; with options one of its own. Each test uses names of its own. */
export type OpenStore = (options?: Partial<StreamStoreOptions>) => StreamStore

const READ_BYTES = 1_000_000

async function code(act: () => unknown): Promise<unknown> {
  try {
    await act()
    return null
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

/** What every storage of streams must do, through the store on top of it. */
export function streamStoreContract(open: OpenStore): void {
  describe('append and read', () => {
    test('gives back exactly the bytes that were appended, in any pages, from any position', async () => {
      const store = open()
      let count = 0
      const chunk = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => Buffer.from(bytes))
      await fc.assert(
        fc.asyncProperty(
          fc.array(chunk, { minLength: 1, maxLength: 40 }),
          fc.integer({ min: 1, max: 900 }),
          async (chunks, bytesMax) => {
            count += 1
            const { stream } = await store.create(
              `bytes/${count}`,
              createText({ contentType: 'application/octet-stream' }),
            )
            await Promise.all(
              chunks.map(async (data) =>
                store.append(`bytes/${count}`, appendText(null, { contentType: 'application/octet-stream', data })),
              ),
            )
            for (const from of [0, Math.floor(chunks.length / 2), chunks.length]) {
              const read: Buffer[] = []
              for (let at = from; at < chunks.length;) {
                const page = await store.read(stream, at, bytesMax)
                expect(page.last).toBeGreaterThan(at)
                read.push(...page.parts)
                at = page.last
              }
              expect(Buffer.concat(read).equals(Buffer.concat(chunks.slice(from)))).toBe(true)
            }
          },
        ),
        { numRuns: 40 },
      )
    })

    test('keeps the order of appends that are sent at once, and tells each its own offset', async () => {
      const store = open()
      const { stream } = await store.create('order', createText())
      const results = await Promise.all(
        Array.from({ length: 500 }, async (_, index) => store.append('order', appendText(`${index};`))),
      )
      const offsets = results.map(({ nextOffset }) => nextOffset)
      expect(offsets).toEqual([...offsets].sort())
      expect(new Set(offsets).size).toBe(500)
      expect(await textAfter(store, stream, 0, 64)).toBe(
        Array.from({ length: 500 }, (_, index) => `${index};`).join(''),
      )
    })

    test('wakes a watcher only when what it was woken for can be read', async () => {
      const store = open()
      const { stream } = await store.create('watched', createText())
      let seen = ''
      let position = 0
      let reading = Promise.resolve()
      const watcher = {
        wake(): void {
          reading = reading.then(async () => {
            const page = await store.read(stream, position, READ_BYTES)
            seen += Buffer.concat(page.parts).toString()
            position = page.last
          })
        },
      }
      const watch = stream.watch(watcher)
      for (const text of ['a', 'b', 'c']) {
        await store.append('watched', appendText(text))
        await new Promise((resolve) => setImmediate(resolve))
      }
      await expect.poll(() => seen).toBe('abc')
      watch.remove()
      await store.append('watched', appendText('d'))
      await new Promise((resolve) => setImmediate(resolve))
      await reading
      expect(seen).toBe('abc')
    })

    test('takes chunks larger than a page, and empty pages at the end', async () => {
      const store = open()
      const large = 'x'.repeat(300_000)
      const { stream } = await store.create('large', createText({ data: Buffer.from(large) }))
      await store.append('large', appendText('y'))
      expect(await textAfter(store, stream, 0, 1_000)).toBe(`${large}y`)
      expect(await store.read(stream, 2, 1_000)).toMatchObject({ last: 2, bytes: 0 })
      await expect(code(() => store.read(stream, 3, 1_000))).resolves.toBe('offset_invalid')
    })

    test('refuses what does not fit the stream, and then holds nothing of it', async () => {
      const store = open()
      const { stream } = await store.create('strict', createText({ data: Buffer.from('kept') }))
      expect(await code(() => store.append('strict', appendText('{}', { contentType: 'application/json' })))).toBe(
        'content_type_conflict',
      )
      expect(await code(() => store.append('other', appendText('x')))).toBe('stream_unknown')
      await store.append('strict', appendText('+', { sequence: 'b' }))
      expect(await code(() => store.append('strict', appendText('x', { sequence: 'B' })))).toBe('sequence_conflict')
      expect(await code(() => store.append('strict', appendText('x', { sequence: 'b' })))).toBe('sequence_conflict')
      expect(await textAfter(store, stream)).toBe('kept+')
    })
  })

  describe('requests that come together', () => {
    test('make one stream, and append to it in the order in which they came', async () => {
      const store = open()
      const made = Array.from({ length: 3 }, async () => store.create('together', createText()))
      const appended = Array.from({ length: 20 }, async (_, index) =>
        store.append('together', appendText(`${index};`, { producer: { id: 'p', epoch: 0, sequence: index } })),
      )
      expect((await Promise.all(made)).map(({ isNew }) => isNew)).toEqual([true, false, false])
      expect((await Promise.all(appended)).some(({ isDuplicate }) => isDuplicate)).toBe(false)
      const all = Array.from({ length: 20 }, (_, index) => `${index};`).join('')
      expect(await textAfter(store, await store.open('together'))).toBe(all)
    })

    test('delete a stream once', async () => {
      const store = open()
      await store.create('gone', createText({ data: Buffer.from('x') }))
      const codes = await Promise.all([1, 2, 3].map(() => code(() => store.delete('gone'))))
      expect(codes).toEqual([null, 'stream_unknown', 'stream_unknown'])
    })

    test('that end all forks of a deleted stream free its name', async () => {
      const store = open()
      await store.create('trunk', createText({ data: Buffer.from('t') }))
      const forks = ['twig/1', 'twig/2', 'twig/3']
      const fork = { from: 'trunk', offset: null, subOffset: 0 }
      await Promise.all(forks.map(async (name) => store.create(name, createText({ contentType: null, fork }))))
      await store.delete('trunk')
      expect(await code(() => store.open('trunk'))).toBe('stream_deleted')
      await Promise.all(forks.map(async (name) => store.delete(name)))
      expect(await code(() => store.open('trunk'))).toBe('stream_unknown')
    })
  })

  describe('producers', () => {
    const from = (epoch: number, sequence: number, id = 'p') => ({ producer: { id, epoch, sequence } })

    test('take each sequence number once, however often it is sent', async () => {
      const store = open()
      const { stream } = await store.create('once', createText())
      const sent = [0, 0, 1, 0, 1, 2, 2]
      const results = await Promise.all(
        sent.map(async (sequence) => store.append('once', appendText(`${sequence}`, from(0, sequence)))),
      )
      expect(results.map(({ isDuplicate }) => isDuplicate)).toEqual([false, true, false, true, true, false, true])
      expect(await textAfter(store, stream)).toBe('012')
      expect(results.at(-1)?.producer).toEqual({ epoch: 0, sequence: 2 })
    })

    test('are fenced by a newer epoch, and may not leave gaps', async () => {
      const store = open()
      const { stream } = await store.create('fenced', createText())
      await store.append('fenced', appendText('a', from(0, 0)))
      expect(await code(() => store.append('fenced', appendText('x', from(0, 2))))).toBe('sequence_conflict')
      expect(await code(() => store.append('fenced', appendText('x', from(1, 1))))).toBe('header_invalid')
      await store.append('fenced', appendText('b', from(1, 0)))
      expect(await code(() => store.append('fenced', appendText('x', from(0, 1))))).toBe('producer_fenced')
      await store.append('fenced', appendText('c', from(0, 0, 'other')))
      expect(await textAfter(store, stream)).toBe('abc')
    })

    test('of two with one epoch, the second copy of a number is a duplicate, whatever it carries', async () => {
      const store = open()
      const { stream } = await store.create('twins', createText())
      await store.append('twins', appendText('first', from(3, 0)))
      expect(await store.append('twins', appendText('second', from(3, 0)))).toMatchObject({ isDuplicate: true })
      expect(await textAfter(store, stream)).toBe('first')
    })
  })

  describe('closure, expiry, deletion', () => {
    test('a closed stream takes nothing more, and says so', async () => {
      const store = open()
      const { stream } = await store.create('closed', createText())
      expect(await store.append('closed', appendText('end', { close: true }))).toMatchObject({ isClosed: true })
      expect(await code(() => store.append('closed', appendText('x')))).toBe('stream_closed')
      expect(await store.append('closed', appendText(null, { close: true }))).toMatchObject({ isDuplicate: true })
      expect(await textAfter(store, stream)).toBe('end')
      expect(stream.isVisiblyClosed).toBe(true)
    })

    test('a stream past its time is gone, and its name free', async () => {
      const store = open()
      const past = new Date(Date.now() - 1_000).toISOString()
      await store.create('old', createText({ expiresAt: past, data: Buffer.from('old') }))
      expect(await code(() => store.open('old'))).toBe('stream_unknown')
      const { stream, isNew } = await store.create('old', createText({ data: Buffer.from('new') }))
      expect(isNew).toBe(true)
      expect(await textAfter(store, stream)).toBe('new')
    })

    test('a stream that is made again has other offsets: an old cursor is refused', async () => {
      const store = open()
      const first = await store.create('again', createText({ data: Buffer.from('1') }))
      const cursor = formatOffset(1, first.stream.record.family)
      await store.delete('again')
      expect(first.stream.isGone).toBe(true)
      const second = await store.create('again', createText({ data: Buffer.from('2') }))
      await expect(code(() => parseStreamOffset(cursor, second.stream.record.family))).resolves.toBe('offset_invalid')
      expect(await textAfter(store, second.stream)).toBe('2')
    })

    test('a name that was deleted a moment ago is free, and what is made there is new', async () => {
      const store = open()
      await store.create('fast', createText({ data: Buffer.from('old') }))
      const deleted = store.delete('fast')
      expect(await store.find('fast')).toBeNull()
      expect(await code(() => store.append('fast', appendText('x')))).toBe('stream_unknown')
      const made = store.create('fast', createText({ data: Buffer.from('new') }))
      const appended = store.append('fast', appendText('er'))
      await Promise.all([deleted, made, appended])
      expect(await textAfter(store, await store.open('fast'))).toBe('newer')
    })

    test('creating is repeatable with the same, and refused with something else', async () => {
      const store = open()
      await store.create('same', createText({ ttlSeconds: 60 }))
      expect(
        await store.create('same', createText({ ttlSeconds: 60, contentType: 'Text/Plain; charset=utf-8' })),
      ).toMatchObject({ isNew: false })
      expect(await code(() => store.create('same', createText({ ttlSeconds: 61 })))).toBe('stream_exists')
      expect(await code(() => store.create('same', createText({ ttlSeconds: 60, contentType: 'text/html' })))).toBe(
        'stream_exists',
      )
    })

    test('names are listed in order, in pages, without those that are gone', async () => {
      const store = open()
      for (const name of ['b', 'a/2', 'c', 'a/1']) await store.create(`names/${name}`, createText())
      await store.delete('names/c')
      expect(await store.names('names/', 2)).toEqual(['names/a/1', 'names/a/2'])
      expect(await store.names('names/a/2', 1)).toEqual(['names/b'])
      expect(await store.names('names/b', 10)).not.toContain('names/c')
    })
  })

  describe('forks', () => {
    const fork = (from: string, offset: string | null = null, subOffset = 0) =>
      createText({ contentType: null, fork: { from, offset, subOffset } })

    test('share the past and go their own way', async () => {
      const store = open()
      const source = await store.create('source', createText({ data: Buffer.from('a') }))
      await store.append('source', appendText('b'))
      const { stream } = await store.create('fork', fork('source', formatOffset(1, source.stream.record.family)))
      await store.append('source', appendText('c'))
      await store.append('fork', appendText('x'))
      const { stream: deep } = await store.create('deep', fork('fork'))
      await store.append('deep', appendText('y'))
      expect(await textAfter(store, stream)).toBe('ax')
      expect(await textAfter(store, deep, 0, 1)).toBe('axy')
      expect(await textAfter(store, source.stream)).toBe('abc')
    })

    test('take a part of the next chunk along', async () => {
      const store = open()
      const zero = '0000000000000000_0000000000000000'
      await store.create('words', createText({ data: Buffer.from('hello') }))
      const { stream } = await store.create('word', fork('words', zero, 2))
      expect(await textAfter(store, stream)).toBe('he')
      const data = jsonMessages(Buffer.from('[{"a":"],["}, [1,2], "\\"," ]'))
      await store.create('messages', createText({ contentType: 'application/json', data }))
      const messages = await store.create('message', fork('messages', zero, 2))
      expect(await textAfter(store, messages.stream)).toBe('{"a":"],["}, [1,2],')
      expect(await code(() => store.create('beyond', fork('messages', zero, 4)))).toBe('offset_invalid')
      expect(await code(() => store.create('far', fork('words', zero, 6)))).toBe('offset_invalid')
    })

    test('keep a deleted source until the last of them is gone', async () => {
      const store = open()
      await store.create('root', createText({ data: Buffer.from('r') }))
      await store.create('branch', fork('root'))
      const { stream: leaf } = await store.create('leaf', fork('branch'))
      await store.delete('root')
      await store.delete('branch')
      expect(await code(() => store.open('root'))).toBe('stream_deleted')
      expect(await code(() => store.create('root', createText()))).toBe('stream_exists')
      expect(await textAfter(store, leaf)).toBe('r')
      await store.delete('leaf')
      expect(await code(() => store.open('root'))).toBe('stream_unknown')
      expect(await store.create('root', createText())).toMatchObject({ isNew: true })
    })
  })

  describe('retention', () => {
    test('drops the oldest chunks beyond the bound, and never lets a reader past the gap', async () => {
      const store = open({ maxBytes: 200_000 })
      const { stream } = await store.create('bounded', createText())
      const chunk = 'x'.repeat(10_000)
      for (let count = 0; count < 60; count++) await store.append('bounded', appendText(chunk))
      // Trimming goes on after the append was told as kept, and some time after the chunks came.
      await expect
        .poll(async () => {
          await store.append('bounded', appendText(chunk))
          return stream.record.dropped
        })
        .toBeGreaterThan(30)
      const { record } = stream
      expect(record.bytes).toBeLessThan(600_000)
      let refusal: unknown = null
      try {
        await store.read(stream, 0, READ_BYTES)
      } catch (error) {
        refusal = error
      }
      expect(refusal).toMatchObject({
        code: 'offset_expired',
        details: { first_offset: formatOffset(record.dropped, record.family) },
      })
      expect(await textAfter(store, stream, record.dropped)).toBe(chunk.repeat(record.tail - record.dropped))
    })
  })

  describe('retention by age', () => {
    test('drops what is too old, the newest chunk, too, and goes on counting where it was', async () => {
      const store = open({ maxAgeMs: 50 })
      const { stream } = await store.create('aging', createText({ data: Buffer.from('old') }))
      await store.append('aging', appendText('old, too'))
      await expect.poll(() => stream.record.dropped, { interval: 50 }).toBe(2)
      expect(stream.record.bytes).toBe(0)
      expect(await code(() => store.read(stream, 0, READ_BYTES))).toBe('offset_expired')
      expect(await store.read(stream, 2, READ_BYTES)).toMatchObject({ last: 2, bytes: 0 })
      await store.append('aging', appendText('new'))
      expect(await textAfter(store, stream, 2)).toBe('new')
    })
  })

  describe('streams with a note', () => {
    const noted = { contentType: 'text/plain', ttlSeconds: null }
    const namesOf = (streams: readonly { readonly name: string }[]): string[] => streams.map(({ name }) => name)

    test('are listed with those that are listed under the same, the last names first, in pages', async () => {
      const store = open()
      for (const [index, listedUnder] of ['ann', 'bob', 'ann', 'bob', 'ann', undefined, 'ann'].entries()) {
        const own = { ...noted, note: `of ${index}`, ...(listedUnder === undefined ? {} : { listedUnder }) }
        await store.createOwn(`lists/${index}`, own).kept
      }
      await store.createOwn('elsewhere/4', { ...noted, note: '', listedUnder: 'ann' }).kept
      await store.create('lists/7', createText())
      const page = async (
        listedUnder: string,
        before: string | null = null,
        limit = 10,
      ): Promise<readonly NotedStream[]> => store.noted({ prefix: 'lists/', before, among: { listedUnder }, limit })
      expect(namesOf(await page('ann'))).toEqual(['lists/6', 'lists/4', 'lists/2', 'lists/0'])
      expect(await page('ann', null, 1)).toEqual([{ name: 'lists/6', note: 'of 6' }])
      expect(namesOf(await page('ann', 'lists/6', 2))).toEqual(['lists/4', 'lists/2'])
      expect(namesOf(await page('ann', 'lists/2', 2))).toEqual(['lists/0'])
      expect(namesOf(await page('bob'))).toEqual(['lists/3', 'lists/1'])
      for (const nobody of ['an', 'ann ', 'ANN', '']) expect(await page(nobody)).toEqual([])
    })

    test('are on their list until they are deleted, closed or not, with the note that they have now', async () => {
      const store = open()
      const list = async () => store.noted({ prefix: 'kept/', before: null, among: { listedUnder: 'kept' }, limit: 10 })
      const { stream, kept } = store.createOwn('kept/1', { ...noted, note: 'goes on', listedUnder: 'kept' })
      await kept
      await store.createOwn('kept/2', { ...noted, note: 'other', listedUnder: 'kept' }).kept
      await store.extend(stream, [], { close: true, note: 'is over' })
      expect(await list()).toEqual([
        { name: 'kept/2', note: 'other' },
        { name: 'kept/1', note: 'is over' },
      ])
      await store.delete('kept/2')
      expect(namesOf(await list())).toEqual(['kept/1'])
      await store.createOwn('kept/2', { ...noted, note: 'another', listedUnder: 'elsewhere' }).kept
      expect(namesOf(await list())).toEqual(['kept/1'])
      await store.delete('kept/1')
      expect(await list()).toEqual([])
    })

    test('are found while they are not closed, whatever they are listed under', async () => {
      const store = open()
      for (const [index, listedUnder] of ['ann', 'bob', null].entries()) {
        await store.createOwn(`open/${index}`, { ...noted, note: '', listedUnder }).kept
      }
      const goingOn = async (before: string | null, limit = 10) =>
        namesOf(await store.noted({ prefix: 'open/', before, among: 'not-closed', limit }))
      expect(await goingOn(null)).toEqual(['open/2', 'open/1', 'open/0'])
      expect(await goingOn('open/2', 1)).toEqual(['open/1'])
      await store.extend(await store.open('open/1'), [], { close: true })
      expect(await goingOn(null)).toEqual(['open/2', 'open/0'])
    })

    test('are found by their key until they are deleted', async () => {
      const store = open()
      await store.createOwn('keyed/1', { ...noted, note: '', key: 'key 1' }).kept
      expect((await store.withKey('key 1'))?.record.name).toBe('keyed/1')
      expect(await store.withKey('key 2')).toBeNull()
      await store.delete('keyed/1')
      expect(await store.withKey('key 1')).toBeNull()
    })
  })

  describe('listeners and documents', () => {
    test('hear of every change in its order, when it can be seen', async () => {
      const store = open()
      const events: [StreamEvent, string, number][] = []
      store.listen((event, stream) => events.push([event, stream.record.name, stream.visibleTail]))
      await store.create('heard', createText())
      await store.append('heard', appendText('x'))
      await store.append('heard', appendText(null, { close: true }))
      await store.delete('heard')
      store.listen(null)
      expect(events).toEqual([
        ['created', 'heard', 0],
        ['appended', 'heard', 1],
        ['removed', 'heard', 1],
      ])
    })

    test('documents are kept by name', async () => {
      const store = open()
      await store.putDocument('a/1', 'one')
      await store.putDocument('a/2', 'two')
      await store.putDocument('b', 'three')
      await store.putDocument('a/1', null)
      expect([...(await store.documents('a/'))]).toEqual([['a/2', 'two']])
    })
  })
}
