import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type Script,
  type Stage,
  type StagePage,
  chromiumPath,
  elementsStage,
} from '@streamstack/test-support/elements-stage'
import { violations } from '@streamstack/test-support/axe'

/** What must stay text, wherever it comes from. */
const PAYLOADS = [
  '<img src=x onerror="window.hacked=1">',
  '<script>window.hacked=1</script>',
  '[click](javascript:window.hacked=1)',
  '[click](  JaVaScRiPt:window.hacked=1)',
  '[click](java\tscript:window.hacked=1)',
  '[click](data:text/html,<script>window.hacked=1</script>)',
  '[click](vbscript:x) [a](/relative/act) [b](//evil.example/x) [c](https://user:pass@evil.example/)',
  '![x](javascript:window.hacked=1) ![y](https://evil.example/track.png)',
  '<a href="javascript:window.hacked=1">x</a>',
  '<javascript:window.hacked=1>',
  '| <svg onload=window.hacked=1> |\n|---|\n| <iframe srcdoc="<script>parent.hacked=1</script>"> |\n',
  '```html"onmouseover="window.hacked=1\n</code></pre><script>window.hacked=1</script>\n```\n',
  '${window.hacked=1} {{constructor.constructor("window.hacked=1")()}}',
] as const

describe.skipIf(chromiumPath === undefined)('<stream-chat> in a real browser, under a strict policy', () => {
  let stage: Stage
  let asked: unknown[] = []
  let scripts: Script[] = []

  beforeAll(async () => {
    stage = await elementsStage()
    stage.answer('/api/chat', (script) => {
      asked.push(script.body)
      scripts.push(script)
    })
  })

  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]()
  })

  beforeEach(() => {
    asked = []
    scripts = []
  })

  const nextScript = async (count = 1): Promise<Script> => {
    await expect.poll(() => scripts.length).toBe(count)
    return scripts.at(count - 1) as Script
  }

  const inChat = (code: string): string => `const chat = $('stream-chat'); const root = chat.shadowRoot; ${code}`
  const textOf = (opened: StagePage, query: string): Promise<string | null> =>
    opened.run(inChat(`return root.querySelector('${query}')?.textContent.trim().replace(/\\s+/g, ' ') ?? null`))

  async function done(opened: StagePage): Promise<void> {
    expect(await opened.run('return [window.hacked, faults]')).toEqual([undefined, []])
    expect(opened.faults).toEqual([])
  }

  test('a question is asked by keyboard, the answer is written as it comes, and is complete with its outcome', async () => {
    await using opened = await stage.open(
      '<stream-chat src="/api/chat" body=\'{"model":"m"}\' history="messages"></stream-chat>',
    )
    await opened.page.locator('stream-chat').locator('textarea').focus()
    await opened.page.keyboard.type('Hello')
    await opened.page.keyboard.press('Enter')
    const script = await nextScript()
    expect(script.body).toEqual({ model: 'm', message: 'Hello', messages: [{ role: 'user', content: 'Hello' }] })
    await expect.poll(() => textOf(opened, '.typing')).toBe('Thinking…')
    script.chunk('Bet', null, 'reasoning')
    script.chunk({ id: 'a', name: 'search', arguments: { q: 1 } }, null, 'tool_call')
    // The footer follows what comes close behind, too, also when nothing comes after it.
    await expect.poll(() => textOf(opened, 'footer .line')).toContain('2 chunks')
    script.chunk({ id: 'a', output: 'found' }, null, 'tool_result')
    script.chunk('**Bold', { progress_percentage: 50 })
    await expect.poll(() => textOf(opened, 'strong')).toBe('Bold')
    await expect.poll(() => textOf(opened, 'footer .line')).toContain('of about 8 chunks')
    expect(await textOf(opened, 'form .btn')).toBe('Stop')
    script.chunk('** text. Next')
    script.chunk({ url: 'https://a.example/b', title: 'B' }, null, 'source')
    script.chunk('[DONE]')
    script.end()
    await expect.poll(() => textOf(opened, 'header .pill')).toBe('ready')
    expect(await textOf(opened, '.md')).toBe('Bold text. Next')
    expect(await textOf(opened, '.fold.reasoning summary')).toMatch(/^Thought for/)
    expect(await textOf(opened, '.fold.tool')).toContain('Used search')
    expect(await opened.run(inChat(`return root.querySelector('.sources a').href`))).toBe('https://a.example/b')
    // Whole sentences, and never the nodes that tokens go into.
    expect(
      await opened.run(
        inChat(`return [...root.querySelector('[role=status]').children].map((line) => line.textContent)`),
      ),
    ).toEqual(['Bold text.', 'Next', 'Answer complete.'])
    expect(
      await opened.run(
        inChat(
          `return root.querySelector('.messages').closest('[aria-live], [role=status], [role=log], [role=alert]')`,
        ),
      ),
    ).toBeNull()
    await opened.page.keyboard.type('More')
    await opened.page.keyboard.press('Enter')
    const second = await nextScript(2)
    expect(second.body).toMatchObject({
      message: 'More',
      messages: [
        { role: 'user' },
        { role: 'assistant', content: '**Bold** text. Next' },
        { role: 'user', content: 'More' },
      ],
    })
    second.end()
    await done(opened)
  })

  test('what is written is appended: no node that stands is made anew, and a frame brings one change of text', async () => {
    await using opened = await stage.open('<stream-chat src="/api/chat"></stream-chat>')
    await opened.run(inChat(`chat.send('x')`))
    const script = await nextScript()
    script.chunk('First paragraph.\n\nSecond ')
    await expect.poll(() => opened.run(inChat(`return root.querySelectorAll('.md p').length`))).toBe(2)
    await opened.run(
      inChat(`window.first = root.querySelector('.md p').firstChild; window.removed = 0; window.batches = 0
        new MutationObserver((records) => { batches++; for (const { removedNodes } of records) removed += removedNodes.length })
          .observe(root.querySelector('.md'), { childList: true, subtree: true, characterData: true })`),
    )
    for (let index = 0; index < 200; index++) script.chunk(`word${index} `)
    await expect.poll(() => textOf(opened, '.md')).toContain('word199')
    const [isSame, removed, batches] = await opened.run<[boolean, number, number]>(
      inChat(`return [root.querySelector('.md p').firstChild === first, removed, batches]`),
    )
    expect([isSame, removed]).toEqual([true, 0])
    expect(batches).toBeLessThan(100)
    script.end()
    await done(opened)
  })

  test('Stop and Escape end the run on the server and keep what came', async () => {
    await using opened = await stage.open('<stream-chat src="/api/chat"></stream-chat>')
    await opened.run(inChat(`chat.send('x')`))
    const script = await nextScript()
    script.chunk('Half')
    await expect.poll(() => textOf(opened, '.md')).toBe('Half')
    const before = stage.cancelled.length
    await opened.page.locator('stream-chat').locator('textarea').press('Escape')
    await expect.poll(() => stage.cancelled.length).toBe(before + 1)
    script.end('cancelled')
    await expect.poll(() => textOf(opened, '.note')).toBe('Stopped.')
    expect(await textOf(opened, '.md')).toBe('Half')
    await done(opened)
  })

  test('an answer that fails says so, and Retry asks again', async () => {
    await using opened = await stage.open('<stream-chat src="/api/chat"></stream-chat>')
    await opened.run(inChat(`chat.send('x')`))
    const script = await nextScript()
    script.chunk('Half')
    script.end('failed', {
      code: 'upstream_failed',
      message: 'The model <b>died</b>.',
      recoverable: true,
      retry_after: null,
    })
    await expect
      .poll(() => textOf(opened, '.note.failed span'))
      .toBe('The answer was interrupted: The model <b>died</b>.')
    expect(await textOf(opened, 'header .pill')).toBe('failed')
    await opened.page.locator('stream-chat').getByRole('button', { name: 'Retry' }).click()
    const again = await nextScript(2)
    again.chunk('Whole')
    again.end()
    await expect.poll(() => textOf(opened, '.md')).toBe('Whole')
    expect(await opened.run(inChat(`return chat.messages.length`))).toBe(2)
    await done(opened)
  })

  test('a connection that breaks is taken up again where it stopped', async () => {
    let again = ''
    let cut = (): void => undefined
    stage.raw('/v1/stream/runs/run-cut', (request, response) => {
      again = String(request.headers['last-event-id'])
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Stream-Run': 'run-cut' })
      response.end(
        '{"offset":2,"type":"chunk","content":"two","metadata":null}\n{"type":"end","outcome":"completed","offset":2,"error":null}\n',
      )
    })
    stage.raw('/api/cut', (_request, response) => {
      response.writeHead(200, {
        'Content-Type': 'application/x-ndjson',
        'Stream-Run': 'run-cut',
        'Stream-Url': '/v1/stream/runs/run-cut',
      })
      response.write('{"offset":1,"type":"chunk","content":"one ","metadata":null}\n')
      cut = () => void response.destroy()
    })
    await using opened = await stage.open('<stream-chat src="/api/cut"></stream-chat>', {
      prepare: 'Math.random = () => 0.01',
    })
    await opened.run(
      inChat(
        `window.states = []; chat.addEventListener('stream-status', ({ detail }) => states.push(detail.state)); chat.send('x')`,
      ),
    )
    // A page that has not read a chunk loses it with the connection.
    await expect.poll(() => textOf(opened, '.md')).toMatch(/^one/)
    cut()
    await expect.poll(() => textOf(opened, '.md')).toBe('one two')
    expect(again).toBe('1')
    expect(await opened.run('return states')).toEqual([
      'connecting',
      'streaming',
      'reconnecting',
      'streaming',
      'completed',
    ])
  })

  test('an edited question replaces what came after it', async () => {
    await using opened = await stage.open('<stream-chat src="/api/chat"></stream-chat>')
    await opened.run(inChat(`chat.send('first')`))
    const first = await nextScript()
    first.chunk('one')
    first.end()
    await expect.poll(() => textOf(opened, 'header .pill')).toBe('ready')
    await opened.page.locator('stream-chat').getByRole('button', { name: 'Edit' }).click()
    await opened.page.keyboard.press('ControlOrMeta+a')
    await opened.page.keyboard.type('second')
    await opened.page.keyboard.press('Enter')
    const second = await nextScript(2)
    expect(second.body).toEqual({ message: 'second' })
    second.chunk('two')
    second.end()
    await expect.poll(() => textOf(opened, '.md')).toBe('two')
    expect(await opened.run(inChat(`return root.querySelectorAll('article').length`))).toBe(2)
    await done(opened)
  })

  test('it scrolls with the text only while its reader is at the end, and counts new lines', async () => {
    await using opened = await stage.open('<stream-chat src="/api/chat"></stream-chat>', {
      css: 'stream-chat { block-size: 400px }',
    })
    await opened.run(inChat(`chat.send('x')`))
    const script = await nextScript()
    const lines = (from: number): void => {
      for (let line = from; line < from + 40; line++) script.chunk(`Line ${line}\n\n`)
    }
    const isAtEnd = inChat(
      `const box = root.querySelector('.messages'); return box.scrollHeight - box.scrollTop - box.clientHeight < 2`,
    )
    lines(0)
    await expect.poll(() => textOf(opened, '.md')).toContain('Line 39')
    await expect.poll(() => opened.run(isAtEnd)).toBe(true)
    await opened.page.locator('stream-chat').locator('.messages').hover()
    await opened.page.mouse.wheel(0, -300)
    await expect.poll(() => opened.run(isAtEnd)).toBe(false)
    const top = await opened.run(inChat(`return root.querySelector('.messages').scrollTop`))
    lines(40)
    await expect.poll(() => textOf(opened, '.new')).toMatch(/^↓ \d+ new lines$/)
    expect(await opened.run(inChat(`return root.querySelector('.messages').scrollTop`))).toBe(top)
    await opened.page.locator('stream-chat').locator('.new').click()
    await expect.poll(() => opened.run(isAtEnd)).toBe(true)
    expect(await textOf(opened, '.new')).toBeNull()
    script.end()
    await done(opened)
  })

  test('conversations are kept over a reload, and an answer that was being written goes on', async () => {
    stage.raw('/v1/stream/runs/kept', (request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'Stream-Run': 'kept' })
      response.end(
        `{"offset":2,"type":"chunk","content":" and after ${String(request.headers['last-event-id'])}","metadata":null}\n{"type":"end","outcome":"completed","offset":2,"error":null}\n`,
      )
    })
    stage.raw('/api/kept', (_request, response) => {
      response.writeHead(200, {
        'Content-Type': 'application/x-ndjson',
        'Stream-Run': 'kept',
        'Stream-Url': '/v1/stream/runs/kept',
      })
      response.write('{"offset":1,"type":"chunk","content":"before","metadata":null}\n')
    })
    await using opened = await stage.open('<stream-chat src="/api/kept" save-as="test" conversations></stream-chat>')
    await opened.run(inChat(`await new Promise((resolve) => setTimeout(resolve, 50)); chat.send('Keep <b>me</b>')`))
    await expect.poll(() => textOf(opened, '.md')).toBe('before')
    await opened.page.reload()
    await expect.poll(() => textOf(opened, '.md')).toBe('before and after 1')
    await opened.page.locator('stream-chat').getByRole('button', { name: 'Chats' }).click()
    expect(await textOf(opened, 'nav .open')).toBe('Keep <b>me</b>')
    await opened.page.locator('stream-chat').getByRole('button', { name: 'New chat' }).click()
    expect(await opened.run(inChat(`return chat.messages.length`))).toBe(0)
    await done(opened)
  })

  test('files of text go along with a question; others are refused', async () => {
    await using opened = await stage.open('<stream-chat src="/api/chat" attachments></stream-chat>')
    const file = opened.page.locator('stream-chat').locator('input[type=file]')
    await file.setInputFiles({ name: 'image.png', mimeType: 'image/png', buffer: Buffer.from([0xff, 0xd8, 0]) })
    await expect.poll(() => textOf(opened, 'footer .line')).toBe('image.png is larger than 256 kB, or is not text.')
    await file.setInputFiles({ name: 'a.md', mimeType: 'text/markdown', buffer: Buffer.from('a ``` fence') })
    await expect.poll(() => textOf(opened, '.chip')).toContain('a.md')
    await opened.page.locator('stream-chat').locator('textarea').fill('Read this')
    await opened.page.keyboard.press('Enter')
    const script = await nextScript()
    expect(script.body).toEqual({ message: 'Read this\n\na.md:\n````\na ``` fence\n````' })
    script.end()
    await done(opened)
  })

  test('runs nothing that text, reasoning, tools, sources, errors or a question hold', async () => {
    await using opened = await stage.open('<stream-chat src="/api/chat"></stream-chat>')
    for (const [index, payload] of PAYLOADS.entries()) await tryPayload(opened, payload, index + 1)
    expect(await opened.run('return window.hacked ?? null')).toBeNull()
  })

  async function tryPayload(opened: StagePage, payload: string, count: number): Promise<void> {
    await opened.run(inChat(`chat.startConversation(); chat.send(${JSON.stringify(payload)})`))
    const script = await nextScript(count)
    script.chunk(payload, { note: payload }, 'reasoning')
    script.chunk({ id: payload, name: payload, arguments: { payload } }, null, 'tool_call')
    script.chunk({ id: payload, output: payload }, null, 'tool_result')
    script.chunk({ payload })
    script.chunk(`\n\n${payload}\n\n`)
    script.chunk({ url: payload, title: payload }, null, 'source')
    script.chunk({ url: 'javascript:window.hacked=1', title: payload }, null, 'source')
    script.end('failed', { code: payload, message: payload, recoverable: false, retry_after: null })
    await expect.poll(() => textOf(opened, 'header .pill')).toBe('failed')
    const found = await opened.run<{ tags: string[]; links: string[]; handlers: string[] }>(
      inChat(`const nodes = [...root.querySelectorAll('.messages *')]
        for (const node of nodes) if (node.localName === 'a') node.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))
        return {
          tags: nodes.map((node) => node.localName).filter((tag) => ['script', 'img', 'iframe', 'svg', 'object', 'embed', 'form', 'style', 'link'].includes(tag)),
          links: nodes.filter((node) => node.localName === 'a').map((node) => node.href).filter((href) => !/^https:\\/\\/evil\\.example\\/track/.test(href)),
          handlers: nodes.flatMap((node) => node.getAttributeNames()).filter((name) => name.startsWith('on')),
        }`),
    )
    expect(found, payload).toEqual({ tags: [], links: [], handlers: [] })
  }

  test('speaks to servers of others: OpenAI and the AI SDK', async () => {
    let body: unknown = null
    const sse = (path: string, events: readonly string[]): void =>
      stage.raw(path, (_request, response, text) => {
        body = JSON.parse(text)
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        response.end(events.map((data) => `data: ${data}\n\n`).join(''))
      })
    const delta = (value: object, finish: string | null = null): string =>
      JSON.stringify({ choices: [{ index: 0, delta: value, finish_reason: finish }] })
    sse('/v1/chat/completions', [
      delta({ reasoning_content: 'Hm' }),
      delta({ content: 'Hi ' }),
      delta({ content: '*there*' }),
      delta({}, 'stop'),
      '[DONE]',
    ])
    sse('/ai', [
      '{"type":"start"}',
      '{"type":"text-start","id":"1"}',
      '{"type":"text-delta","id":"1","delta":"From the SDK"}',
      '{"type":"text-end","id":"1"}',
      '{"type":"finish"}',
      '[DONE]',
    ])
    sse('/cut', [delta({ content: 'cut' })])
    await using opened = await stage.open(
      '<stream-chat src="/v1/chat/completions" format="openai" body=\'{"model":"m","messages":[{"role":"system","content":"Be brief."}]}\'></stream-chat>',
    )
    await opened.run(inChat(`chat.send('Hello')`))
    await expect.poll(() => textOf(opened, 'header .pill')).toBe('ready')
    expect(await textOf(opened, '.md')).toBe('Hi there')
    expect(body).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      stream: true,
    })
    await opened.run(inChat(`chat.src = '/ai'; chat.format = 'ai-sdk'; chat.startConversation(); chat.send('Again')`))
    await expect.poll(() => textOf(opened, '.md')).toBe('From the SDK')
    expect(body).toMatchObject({
      trigger: 'submit-message',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Again' }] }],
    })
    // A close without the mark for the end is not the end.
    await opened.run(inChat(`chat.src = '/cut'; chat.format = 'openai'; chat.startConversation(); chat.send('Again')`))
    await expect.poll(() => textOf(opened, '.note.failed span')).toContain('before the answer was complete')
    await done(opened)
  })

  test.each(['light', 'dark'] as const)(
    'axe finds nothing in %s, empty, writing, failed and complete',
    async (colorScheme) => {
      await using opened = await stage.open(
        '<stream-chat src="/api/chat" conversations attachments suggestions="One|Two"></stream-chat>',
        { colorScheme, reducedMotion: 'reduce' },
      )
      expect(await violations(opened)).toEqual([])
      await opened.run(inChat(`chat.send('A question')`))
      const script = await nextScript()
      script.chunk('Thinking', null, 'reasoning')
      script.chunk({ id: 'a', name: 'search', arguments: { q: 1 } }, null, 'tool_call')
      script.chunk(
        '# Head\n\ntext `code` [link](https://a.example)\n\n- a\n- b\n\n```js\nconst a = 1\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n> quote\n\n- [x] box\n\n',
      )
      script.chunk({ url: 'https://a.example/b', title: 'B' }, null, 'source')
      await expect.poll(() => textOf(opened, '.md blockquote')).toBe('quote')
      expect(await violations(opened)).toEqual([])
      script.end('failed', { code: 'x', message: 'It broke.', recoverable: true, retry_after: null })
      await expect.poll(() => textOf(opened, 'header .pill')).toBe('failed')
      expect(await violations(opened)).toEqual([])
      await opened.run(inChat(`chat.regenerate()`))
      ;(await nextScript(2)).end()
      await opened.page.locator('stream-chat').getByRole('button', { name: 'Chats' }).click()
      await expect.poll(() => textOf(opened, 'header .pill')).toBe('ready')
      expect(await violations(opened)).toEqual([])
      await done(opened)
    },
  )
})
