import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsoleStage, consoleStage, countOf, pressRun, stateIs } from '@streamstack/test-support/console-stage'
import { chatFigure, tableFigures } from '@streamstack/test-support/element-figures'
import { chromiumPath, elementsStage } from '@streamstack/test-support/elements-stage'
import { frameCosts, heapBytes } from '@streamstack/test-support/frame-costs'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'

/**
 * What the console and the elements must show, counted. Times are printed, to be read on a quiet machine; none fails a test unless it is far beyond what a slow machine explains.
 */
const CHUNKS_A_SECOND = 5_000
const SECONDS = 10
const ROUND_MS = 10

const told = (text: string): void => void process.stdout.write(`  figures: ${text}\n`)

const FILES = {
  'streamstack.yaml': { name: 'Figures' },
  'endpoints/fast.json': {
    endpoint_settings: { method: 'GET', path: '/fast' },
    function_stack: [
      {
        function: 'For',
        count: (SECONDS * 1_000) / ROUND_MS,
        inner_functions: [
          {
            function: 'For',
            count: (CHUNKS_A_SECOND * ROUND_MS) / 1_000,
            inner_functions: [
              { function: 'Streaming API Response', content: 'a token ', metadata: { round: '{{loop_index}}' } },
            ],
          },
          { function: 'Sleep', duration: ROUND_MS - 1 },
        ],
      },
    ],
  },
  'endpoints/hello.json': {
    endpoint_settings: { method: 'GET', path: '/hello' },
    function_stack: [{ function: 'Streaming API Response', content: 'hello' }],
  },
}

describe.skipIf(chromiumPath === undefined)('the Run view', () => {
  let stage: ConsoleStage
  beforeAll(async () => {
    stage = await consoleStage(FILES)
  })
  afterAll(() => stage[Symbol.asyncDispose]())

  test(
    `takes ${CHUNKS_A_SECOND} chunks a second for ${SECONDS} s: none is lost, DOM and memory stay bounded`,
    { timeout: 180_000 },
    () =>
      stage.open('#/run/GET/fast', async (page) => {
        const nodes = (): Promise<number> =>
          page.evaluate(() => {
            const count = (root: ParentNode): number =>
              [...root.querySelectorAll('*')].reduce(
                (sum, { shadowRoot }) => sum + 1 + (shadowRoot === null ? 0 : count(shadowRoot)),
                0,
              )
            return count(document)
          })
        const heapBefore = await heapBytes(page)
        let nodesEarly = 0
        const costs = await frameCosts(page, async () => {
          await pressRun(page)
          await expect.poll(() => countOf(page), { timeout: 30_000 }).toBeGreaterThan(2_000)
          nodesEarly = await nodes()
          await stateIs(page, 'completed')
        })
        expect(await countOf(page)).toBe(CHUNKS_A_SECOND * SECONDS)
        // Rows come and go; there are no more at the end than at the beginning.
        expect(Math.abs((await nodes()) - nodesEarly)).toBeLessThan(60)
        const heap = (await heapBytes(page)) - heapBefore
        expect(heap).toBeLessThan(CHUNKS_A_SECOND * SECONDS * 1_000)
        // The first chunk and the last are in the list, with what sent them.
        const list = page.getByRole('listbox', { name: 'Chunks' })
        await list.focus()
        for (const [key, offset] of [
          ['Home', '1'],
          ['End', '50000'],
        ] as const) {
          await page.keyboard.press(key)
          await expect
            .poll(() => page.locator('chunk-list [aria-selected=true] .number').first().textContent())
            .toBe(offset)
        }
        expect(await page.locator('chunk-list [aria-selected=true]').textContent()).toContain('1 · For [999, 49]')
        told(
          `${CHUNKS_A_SECOND} chunks a second into the Run view: script a frame p50 ${costs.p50Ms.toFixed(1)} ms, p95 ${costs.p95Ms.toFixed(1)} ms (aim: 8), ${costs.frames} frames, heap +${(heap / 1e6).toFixed(1)} MB, ${nodesEarly} nodes`,
        )
      }),
  )

  test('shows the first chunk right after the click', () =>
    stage.open('#/run/GET/hello', async (page) => {
      const ms = await page.evaluate(async () => {
        const find = (root: ParentNode, query: string): Element | null => {
          for (const element of root.querySelectorAll('*')) {
            if (element.matches(query)) return element
            const found = element.shadowRoot === null ? null : find(element.shadowRoot, query)
            if (found !== null) return found
          }
          return null
        }
        const button = find(document, 'button[type=submit]') as HTMLElement
        const clickedMs = performance.now()
        button.click()
        while (find(document, 'chunk-list') === null || find(document, '.line') === null)
          await new Promise(requestAnimationFrame)
        return performance.now() - clickedMs
      })
      told(`click to first chunk on the screen: ${ms.toFixed(0)} ms (aim: 200)`)
      expect(ms).toBeLessThan(10_000)
    }))
})

describe.skipIf(chromiumPath === undefined)('the elements', () => {
  test('a chat shows every character of a long answer; a table holds as few elements for 100,000 rows as for 1,000', async () => {
    await using elements = await elementsStage()
    const chat = await chatFigure(elements, 1)
    expect(chat.shown).toBe(chat.expected)
    const [few, many] = await tableFigures(elements, 60)
    expect(many?.nodes).toBeLessThan((few?.nodes ?? 0) + 20)
    told(`a chat of ${chat.characters} streamed characters: ${chat.scriptMs.toFixed(0)} ms of script (aim: 200)`)
    told(
      `scrolling 100,000 rows: ${((many?.scriptMs ?? 0) / (few?.scriptMs ?? 1)).toFixed(2)} times the script of 1,000 (aim: 1.2)`,
    )
  })
})

describe('the examples', () => {
  const EXAMPLES = join(import.meta.dirname, '../examples')
  const program = join(import.meta.dirname, '../packages/streamstack/bin/streamstack.js')

  /** Resolves with the address that the server says it listens at. */
  const addressOf = (child: ChildProcess): Promise<string> =>
    new Promise((resolve, reject) => {
      let output = ''
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        output += text
        const url = /Console: (http:\S+)\/console\//.exec(output)?.[1]
        if (url !== undefined) resolve(url)
      })
      child.once('close', () => reject(new Error(`The server did not come up: ${output}`)))
    })

  /** Milliseconds from the request to the first byte of a body, at the socket. */
  const firstContentMs = (url: URL, request: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const startedMs = performance.now()
      let answer = ''
      const socket = connect(Number(url.port), url.hostname, () => socket.write(request))
      socket.setEncoding('latin1').on('data', (bytes) => {
        answer += String(bytes)
        const body = answer.split('\r\n\r\n').slice(1).join('\r\n\r\n')
        // After the length of the first piece.
        if (!/^(?:[0-9a-f]+\r\n)?./s.test(body)) return
        socket.destroy()
        if (answer.startsWith('HTTP/1.1 200')) resolve(performance.now() - startedMs)
        else reject(new Error(answer.slice(0, 300)))
      })
      socket.on('error', reject)
    })

  test(
    'start without an account, a key or a field to fill in, and each sends its first content at once',
    { timeout: 180_000 },
    async () => {
      await using data = await tempWorkspace({})
      const startedMs = performance.now()
      const child = spawn(process.execPath, [program, 'dev', EXAMPLES, '--port', '0', '--data', data.dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NO_COLOR: '1' },
      })
      try {
        const url = new URL(await addressOf(child))
        told(`server up, 200,000 records imported: ${(performance.now() - startedMs).toFixed(0)} ms (aim: 2,000)`)
        const { endpoints } = (await (await fetch(new URL('/v1/workspace', url))).json()) as {
          endpoints: {
            method: string
            path: string
            authentication: boolean
            inputs: { name: string; required: boolean; type: string }[]
          }[]
        }
        const times: string[] = []
        for (const { method, path, authentication, inputs } of endpoints) {
          // Those that take no account.
          if (path.startsWith('/mock/') || authentication || inputs.some(({ name }) => name === 'password')) continue
          const body = JSON.stringify(
            Object.fromEntries(
              inputs
                .filter(({ name, required }) => required || name === 'message')
                .map(({ name }) => [name, 'streams']),
            ),
          )
          const head = `${method} ${path} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: text/event-stream\r\nConnection: close\r\n`
          const more =
            method === 'GET'
              ? '\r\n'
              : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
          // Not the first call: that compiles what it needs.
          await firstContentMs(url, head + more)
          const ms = await firstContentMs(url, head + more)
          times.push(`${method} ${path} ${ms.toFixed(0)}`)
          expect(ms, path).toBeLessThan(10_000)
        }
        expect(times.length).toBeGreaterThan(8)
        told(`first content at the socket, ms (aim: 100): ${times.join(', ')}`)
      } finally {
        child.kill('SIGKILL')
      }
    },
  )
})
