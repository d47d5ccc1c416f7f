import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Stage, type StagePage, chromiumPath, elementsStage } from '@streamstack/test-support/elements-stage'

/** One connection of a server that knows nothing of us: it writes, then ends, breaks or stays. */
type Connection = (response: ServerResponse, lastEventId: string | undefined) => void

const closing =
  (text: string | Buffer): Connection =>
  (response) =>
    void response.end(text)
/** Breaks once the page has its event: a browser discards what it has not yet given to the page. */
const breaking =
  (text: string): Connection =>
  (response) => {
    response.write(text)
    breaksOnItem = response
  }
let breaksOnItem: ServerResponse | null = null

/** Each byte in a write of its own: every line, character and event is cut everywhere. */
const byteByByte =
  (text: string): Connection =>
  (response) => {
    for (const byte of Buffer.from(text)) response.write(Buffer.from([byte]))
    response.end()
  }

describe.skipIf(chromiumPath === undefined)('elements that read server-sent events of other servers', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await elementsStage()
    stage.raw('/item', (_request, response) => {
      breaksOnItem?.destroy()
      breaksOnItem = null
      response.end()
    })
  }, 60_000)

  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]()
  })

  /** A path whose connections are answered in turn, the last one again and again; returns the Last-Event-ID of each. */
  function server(path: string, connections: readonly Connection[]): (string | null)[] {
    const asked: (string | null)[] = []
    stage.raw(path, (request, response) => {
      const id = request.headers['last-event-id']?.toString()
      asked.push(id ?? null)
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      connections[Math.min(asked.length, connections.length) - 1]?.(response, id)
    })
    return asked
  }

  const open = (tag: string): Promise<StagePage> =>
    stage.open(tag, {
      prepare: `window.ends = []
        addEventListener('stream-end', ({ detail }) => window.ends.push([detail.outcome, detail.error?.code ?? null]))
        addEventListener('stream-item', () => void fetch('/item'))`,
    })
  const ends = (page: StagePage): Promise<unknown> => page.run('return window.ends')
  const lines = (page: StagePage): Promise<string[]> =>
    page.run(
      `return ($('stream-text').shadowRoot.querySelector('[part="text"]') ?? $('stream-text').shadowRoot.firstElementChild).textContent.split('\\n').filter(Boolean)`,
    )

  const COMPLETED: [unknown, unknown][] = [['completed', null]]
  const retry = 'retry: 1\n'

  test.each<[string, Connection[], string[], [unknown, unknown][], (string | null)[]]>([
    [
      'without ids ends with its connection',
      [closing('data: one\n\ndata: two\n\n')],
      ['one', 'two'],
      COMPLETED,
      [null],
    ],
    [
      'is read whatever its line ends, marks and fields',
      [
        byteByByte(
          '\uFEFF: hello\r\n\r\nevent: message\rdata: é😀\rid\r\rdata:two\nother: x\n\nevent: custom\ndata: "three"\n\ndata: cut off',
        ),
      ],
      ['é😀', 'two', 'three'],
      COMPLETED,
      [null],
    ],
    ['ends with its mark', [closing('id: 1\ndata: one\n\ndata: [DONE]\n\ndata: more\n\n')], ['one'], COMPLETED, [null]],
    [
      'is resumed after the last id, however its connections end',
      [
        closing(`${retry}id: 1\ndata: one\n\n`),
        breaking('id: 2\ndata: two\n\n'),
        closing('id: 3\ndata: three\n\nevent: end\ndata: {"outcome":"completed"}\n\n'),
      ],
      ['one', 'two', 'three'],
      COMPLETED,
      [null, '1', '2'],
    ],
    [
      'of a server that cannot resume is shown once',
      [closing(`${retry}id: 1\ndata: one\n\nid: 2\ndata: two\n\n`)],
      ['one', 'two'],
      COMPLETED,
      [null, '2'],
    ],
    [
      'that broke, of a server that cannot resume, is not shown as complete',
      [breaking(`${retry}id: 1\ndata: one\n\n`), closing('id: 1\ndata: one\n\nid: 2\ndata: two\n\n')],
      ['one'],
      [['failed', 'connection_lost']],
      [null, '1'],
    ],
    [
      'without ids that broke is not asked for again',
      [breaking('data: one\n\n')],
      ['one'],
      [['failed', 'connection_lost']],
      [null],
    ],
  ])('an answer %s', async (name, connections, expected, end, asked) => {
    const path = `/answer-${name.replaceAll(/\W+/g, '-')}`
    const seen = server(path, connections)
    await using page = await open(`<stream-text src="${path}" format="plain-sse" join="line"></stream-text>`)
    await expect.poll(() => ends(page)).toEqual(end)
    expect(await lines(page)).toEqual(expected)
    expect(seen).toEqual(asked)
  })

  test('a feed without ids follows its server over connections that end', async () => {
    const asked = server('/feed', [
      closing(`${retry}data: {"message":"first"}\n\n`),
      closing('data: {"message":"second"}\n\n'),
      (response) => void response.write('data: {"message":"third"}\n\n'),
    ])
    await using page = await open('<activity-feed src="/feed" format="plain-sse"></activity-feed>')
    await expect.poll(() => page.run(`return $('activity-feed').shadowRoot.textContent`)).toContain('third')
    const text = await page.run<string>(`return $('activity-feed').shadowRoot.textContent`)
    for (const word of ['first', 'second', 'third']) expect(text.split(word)).toHaveLength(2)
    expect(asked).toEqual([null, null, null])
  })
})
