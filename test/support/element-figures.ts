import { type StagePage, type Stage } from './elements-stage.ts'
import { scriptMs } from './frame-costs.ts'

const CHARACTERS = 20_000
const ROWS = [1_000, 100_000] as const

export interface ChatFigure {
  readonly characters: number
  readonly chunks: number
  /** Characters that the chat shows, marks of Markdown left out, and those that it is to show. */
  readonly shown: number
  readonly expected: number
  readonly scriptMs: number
}

/** Streams an answer of 20,000 characters of Markdown into a chat. `pauseMs`: after every fifth word; 10 makes about 500 words a second, ten times a fast model. */
export async function chatFigure(stage: Stage, pauseMs: number): Promise<ChatFigure> {
  const paragraph =
    '**Streams** bring each part of an answer the moment it exists, as `chunks` with [offsets](https://a.example). '
  const block = `${paragraph.repeat(4)}\n\n- one\n- two\n\n`
  const answer = block.repeat(Math.ceil(CHARACTERS / block.length))
  const words = answer.match(/\s*\S+/g) ?? []
  stage.answer('/api/chat', async (script) => {
    for (const [index, word] of words.entries()) {
      script.chunk(word)
      if (index % 5 === 0 && pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    script.end()
  })
  await using opened = await stage.open('<stream-chat src="/api/chat"></stream-chat>')
  const ms = await measured(opened, () =>
    opened.run(`const chat = $('stream-chat'); chat.send('x')
      await new Promise((resolve) => chat.addEventListener('stream-end', resolve))`),
  )
  const squeezed = (text: string): number => text.replaceAll(/\s/g, '').length
  const shown = await opened.run<string>(`return $('stream-chat').shadowRoot.querySelector('.md').textContent`)
  const plain = answer.replaceAll(/\*\*|`|^- |\]\(https:\/\/a\.example\)|\[/gm, '')
  return {
    characters: answer.length,
    chunks: words.length,
    shown: squeezed(shown),
    expected: squeezed(plain),
    scriptMs: ms,
  }
}

export interface TableFigure {
  readonly rows: number
  /** Elements in the table while it scrolls. */
  readonly nodes: number
  readonly scriptMs: number
}

/** Scrolls a table of 1,000 rows and one of 100,000 for so many frames. */
export async function tableFigures(stage: Stage, frames: number): Promise<TableFigure[]> {
  const figures: TableFigure[] = []
  for (const rows of ROWS) {
    await using opened = await stage.open('<stream-table heading="Rows"></stream-table>')
    await opened.run(`const table = $('stream-table')
      for (let from = 0; from < ${rows}; from += 1000)
        table.push(Array.from({ length: 1000 }, (_none, index) => ({ id: from + index, name: 'row ' + (from + index), value: Math.sin(from + index) })))
      await new Promise(requestAnimationFrame)
      await new Promise(requestAnimationFrame)`)
    const ms = await measured(opened, () =>
      opened.run(`const view = $('stream-table').shadowRoot.querySelector('.view')
        for (let step = 0; step < ${frames}; step++) {
          view.scrollTop = (step * 1500) % (view.scrollHeight - view.clientHeight)
          await new Promise(requestAnimationFrame)
        }`),
    )
    const nodes = await opened.run<number>(`return $('stream-table').shadowRoot.querySelectorAll('*').length`)
    figures.push({ rows, nodes, scriptMs: ms })
  }
  return figures
}

/** Milliseconds of script that work costs. */
async function measured(opened: StagePage, work: () => Promise<void>): Promise<number> {
  const session = await opened.page.context().newCDPSession(opened.page)
  // Time of the processor, so that other work of the machine counts less.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const before = await scriptMs(session)
  await work()
  return (await scriptMs(session)) - before
}
