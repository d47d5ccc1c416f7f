import { describe, expect, test } from 'vitest'
import { RunModel } from './run-model.ts'

const model = (): RunModel => new RunModel({ method: 'GET', path: '/a', stack: [] }, () => undefined)

describe('the answer as it came', () => {
  test('is kept whole up to its bound', () => {
    const run = model()
    for (let count = 0; count < 4; count++) run.takeRaw('x'.repeat(100_000))
    expect(run).toMatchObject({ raw: 'x'.repeat(400_000), isRawCut: false })
    run.takeRaw('y')
    expect(run).toMatchObject({ raw: 'x'.repeat(400_000), isRawCut: true })
  })

  test('ends before the character that its bound would cut in two, and nothing follows', () => {
    const run = model()
    run.takeRaw('x'.repeat(399_999))
    run.takeRaw('\u{1F600} and more')
    run.takeRaw('y')
    expect(run).toMatchObject({ raw: 'x'.repeat(399_999), isRawCut: true })
  })
})
