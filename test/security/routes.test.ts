import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer } from '@streamstack/test-support/http-client'
import { type CallerName, OWNER, callerNames } from './support/callers.ts'
import { referenceRoutes } from './support/reference-routes.ts'
import { type Row, rows } from './support/rows.ts'
import { type Stage, stage } from './support/stage.ts'

const routes = referenceRoutes.map(({ method, path }) => `${method} ${path}`)

let on: Stage

beforeAll(async () => {
  on = await stage()
})

afterAll(async () => {
  await on?.[Symbol.asyncDispose]()
})

describe('the matrix', () => {
  test('has a row for every route of the server, and no other', () => {
    expect(routes.length).toBeGreaterThan(50)
    const inMatrix = new Set(rows.map(({ route }) => route))
    inMatrix.delete('endpoint')
    // A route that is missing here needs a row in support/rows.ts: who may call it, and what must not be in any other answer.
    expect([...inMatrix].toSorted()).toEqual([...new Set(routes)].toSorted())
  })

  test('has a benign twin for every route: a caller that is served', () => {
    const served = new Set(
      rows.filter(({ statuses }) => Object.values(statuses).some((status) => status < 400)).map(({ route }) => route),
    )
    const refusedToAll = [...new Set(rows.map(({ route }) => route))].filter((route) => !served.has(route))
    expect(refusedToAll).toEqual([
      // `websocket.test.ts` has theirs; `test/console.test.ts` and `console-api.test.ts` have those that only `dev` has.
      'POST /v1/stream/__ds/subscriptions/{id}/ack',
      'POST /v1/stream/__ds/subscriptions/{id}/release',
      'POST /v1/stream/__ds/subscriptions/{id}/callback',
      'GET /v1/workspace/editor',
      'POST /v1/workspace/token',
      'GET /v1/ws',
    ])
  })
})

/** The answer, or what came of one that has no end until `shows` was in it. */
async function read(row: Row, path: string, who: CallerName, shows: RegExp): Promise<Pick<Answer, 'status' | 'text'>> {
  const method = row.route === 'endpoint' ? {} : { method: row.route.split(' ', 1)[0] }
  const opened = await on.open(path, who, { ...row.options, ...method })
  const { status } = opened
  if (status === 200 && row.seenBy.includes(who)) {
    await expect.poll(() => shows.test(opened.text), { interval: 5 }).toBe(true)
    const { text } = opened
    opened.leave()
    return { status, text }
  }
  const { text } = await opened.ended
  return { status, text: `${JSON.stringify(opened.headers)}${text}` }
}

/** Those that change something come last, so that it is there for all who are refused. */
const order = (row: Row): readonly CallerName[] => {
  const isServed = (who: CallerName): number => Number(row.statuses[who] < 400)
  return callerNames.toSorted((one, other) => isServed(one) - isServed(other))
}

describe('what each caller gets', () => {
  test.each(rows.map((row, index) => [`${row.route} (${index})`, row] as const))('%s', async (_, row) => {
    const shows = row.shows ?? new RegExp(OWNER)
    const wanted: unknown[] = []
    const got: unknown[] = []
    for (const who of order(row)) {
      const path = await row.path(on)
      const { status, text } = await read(row, path, who, shows)
      const isSeen = row.seenBy.includes(who)
      const mayNameOwner = isSeen && (row.shows === undefined || row.namesOwner === true)
      wanted.push([path, who, row.statuses[who], isSeen, mayNameOwner])
      got.push([path, who, status, shows.test(text), text.includes(OWNER)])
      if (status >= 400) await row.unchanged?.(on, path)
    }
    expect(got).toEqual(wanted)
  })
})

test('the audit names the owner and has nothing of what it owns', async () => {
  const { text } = await on.call('/v1/stream/system/audit?offset=-1', 'auditor')
  expect(text).toContain(`"${OWNER}"`)
  expect(text).not.toMatch(/secret of|a note of|reply to|published by|log of|"once"|eyJ|ssk_|sst_/)
})
