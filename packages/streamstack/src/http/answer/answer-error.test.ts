import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StreamstackError } from '@streamstack/protocol'
import { expect, test } from 'vitest'
import { call, problem } from '@streamstack/test-support/http-client'
import { answerError } from './answer-error.ts'

const CODES = ['storage_failed', 'query_invalid', 'step_failed', 'setting_invalid', 'internal'] as const

test.each([true, false])(
  'what is for the operator is told to a caller only in detail (hidden: %s)',
  async (hidesDetails) => {
    const logged: unknown[] = []
    const server = createServer((request, response) => {
      const code = (request.url ?? '').slice(1) as (typeof CODES)[number]
      const thrown = new StreamstackError(code, 'The file /srv/secret.sqlite is locked.')
      const onError = (error: unknown): void => void logged.push(error)
      answerError({ request, response, corsHeaders: {}, hidesDetails, onError }, thrown)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    for (const code of CODES) {
      const answer = await call(url, `/${code}`)
      expect([code, problem(answer)['code'], answer.text.includes('secret')]).toEqual([code, code, !hidesDetails])
    }
    // The log has what the caller does not get.
    if (hidesDetails) expect(logged.map(String).filter((text) => text.includes('secret'))).toHaveLength(CODES.length)
    server.close()
  },
)
