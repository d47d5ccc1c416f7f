import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { didYouMean } from './did-you-mean.ts'

describe('didYouMean', () => {
  test.each([
    ['For Eahc', ['While Loop', 'For Each', 'For'], 'For Each'],
    ['for_each', ['For', 'For Each'], 'For Each'],
    ['batchSize', ['batch', 'batch_size'], 'batch_size'],
    ['recrods', ['record', 'records'], 'records'],
    ['lenght', ['length', 'left'], 'length'],
    ['tpye', ['type'], 'type'],
    ['Streaming Response', ['Streaming API Response', 'Set Response Header'], 'Streaming API Response'],
    ['zebra', ['For Each', 'While Loop'], null],
    ['a', ['b', 'c'], null],
    ['', ['a'], null],
    ['name', [], null],
  ])('%s among %j is %j', (name, candidates, meant) => {
    expect(didYouMean(name, candidates)).toBe(meant)
  })

  test('finds a name after one slip, whichever it is', () => {
    const names = ['offset', 'has_more', 'total_processed', 'conversation_history']
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(),
        fc.constantFrom('drop', 'swap', 'double'),
        (name, seed, slip) => {
          const at = seed % (name.length - 1)
          const [one = '', two = ''] = name.slice(at, at + 2)
          const replaced = { drop: two, swap: two + one, double: one + one + two }[slip] ?? ''
          expect(didYouMean(name.slice(0, at) + replaced + name.slice(at + 2), names)).toBe(name)
        },
      ),
    )
  })

  test('gives only what was offered, whatever is asked', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (name, candidates) => {
        const meant = didYouMean(name, candidates)
        expect(meant === null || candidates.includes(meant)).toBe(true)
      }),
    )
  })
})
