import { describe, expect, test } from 'vitest'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

const files = {
  'functions/greet.json': {
    input_parameters: {
      who: { type: 'text', required: true, max_length: 5 },
      times: { type: 'integer', min: 1, default: 2 },
      tone: { type: 'text', values: ['warm', 'cool'] },
      size: { type: 'object', properties: { width: { type: 'integer', required: true } } },
    },
    function_stack: [send('{{who}} {{times}} {{tone}}')],
  },
  'endpoints/greet.json': endpoint(
    '/greet',
    [
      {
        function: 'Run Function',
        name: 'greet',
        inputs: { who: '{{who}}', times: '{{times}}', tone: '{{tone}}', size: '{{size}}' },
      },
    ],
    {
      method: 'POST',
      inputs: { who: { type: 'any' }, times: { type: 'any' }, tone: { type: 'any' }, size: { type: 'any' } },
    },
  ),
}

describe('the inputs that a function file declares', () => {
  test('are checked when it is called; a fault is a 400 that names function, input and what it must be', async () => {
    await using server = await testServer(files)
    const cases: [object, RegExp][] = [
      [{ who: 3 }, /function 'greet': input 'who' must be text/],
      [{ who: 'somebody' }, /input 'who' must be text.*at most 5/],
      [{ who: null }, /input 'who' is required/],
      [{ who: 'Ada', times: 0 }, /input 'times' must be a whole number of at least 1/],
      [{ who: 'Ada', times: '2.5' }, /input 'times' must be a whole number/],
      [{ who: 'Ada', tone: 'loud' }, /input 'tone' must be one of "warm", "cool"/],
      [{ who: 'Ada', size: { width: 'w' } }, /input 'size\.width' must be a whole number/],
    ]
    for (const [body, says] of cases) {
      const answer = await server.call('/greet?format=text', { body })
      expect(answer.status, JSON.stringify(body)).toBe(400)
      const problem = JSON.parse(answer.text) as { code: string; detail: string }
      expect(problem.code).toBe('input_invalid')
      expect(problem.detail).toMatch(says)
      // Values may come from a record or another service: they are not repeated.
      expect(answer.text).not.toMatch(/got|somebody|loud/)
    }
  })

  test('values that fit go through, with the defaults of those that are null', async () => {
    await using server = await testServer(files)
    const answer = await server.call('/greet?format=text', { body: { who: 'Ada', tone: 'warm', size: { width: 1 } } })
    expect([answer.status, answer.text]).toEqual([200, 'Ada 2 warm'])
  })
})
