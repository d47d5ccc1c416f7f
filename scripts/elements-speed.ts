/**
 * Says what the elements cost in script: a chat of 20,000 streamed characters, and scrolling a table of 100,000 rows against one of 1,000. Figures of this machine, to
 * be read on a quiet one: `node --conditions=streamstack-source scripts/elements-speed.ts`. Nothing fails.
 */
import type { CDPSession } from 'playwright-core'
import { type StagePage, elementsStage } from '../test/support/elements-stage.ts'

const CHARACTERS = 20_000
const SCROLLS = 200

/** Milliseconds of script so far. */
async function scriptMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics')
  return (metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? 0) * 1_000
}

async function measured(opened: StagePage, work: () => Promise<void>): Promise<number> {
  const session = await opened.page.context().newCDPSession(opened.page)
  await session.send('Performance.enable')
  const before = await scriptMs(session)
  await work()
  return (await scriptMs(session)) - before
}

await using stage = await elementsStage()

const paragraph =
  '**Streams** bring each part of an answer the moment it exists, as `chunks` with [offsets](https://a.example). '
const answer = `${paragraph.repeat(4)}\n\n- one\n- two\n\n`
  .repeat(Math.ceil(CHARACTERS / (paragraph.length * 4 + 16)))
  .slice(0, CHARACTERS)
const words = answer.match(/\s*\S+/g) ?? []
stage.answer('/api/chat', async (script) => {
  for (const [index, word] of words.entries()) {
    script.chunk(word)
    // About 500 words a second: ten times as fast as a fast model.
    if (index % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  script.end()
})

{
  await using opened = await stage.open('<stream-chat src="/api/chat"></stream-chat>')
  const ms = await measured(opened, () =>
    opened.run(`const chat = $('stream-chat'); chat.send('x')
      await new Promise((resolve) => chat.addEventListener('stream-end', resolve))`),
  )
  const shown = await opened.run<number>(`return $('stream-chat').shadowRoot.querySelector('.md').textContent.length`)
  console.log(
    `chat: ${CHARACTERS} characters in ${words.length} chunks, ${shown} shown: ${ms.toFixed(0)} ms of script (aim: 200)`,
  )
}

const scrolled: number[] = []
for (const rows of [1_000, 100_000]) {
  await using opened = await stage.open('<stream-table heading="Rows"></stream-table>')
  await opened.run(`const table = $('stream-table')
    for (let from = 0; from < ${rows}; from += 1000)
      table.push(Array.from({ length: 1000 }, (_none, index) => ({ id: from + index, name: 'row ' + (from + index), value: Math.sin(from + index) })))
    await new Promise((resolve) => setTimeout(resolve, 300))`)
  const ms = await measured(opened, () =>
    opened.run(`const view = $('stream-table').shadowRoot.querySelector('.view')
      for (let step = 0; step < ${SCROLLS}; step++) {
        view.scrollTop = (step * 1500) % (view.scrollHeight - view.clientHeight)
        await new Promise(requestAnimationFrame)
      }`),
  )
  scrolled.push(ms)
  console.log(`table: ${rows} rows, ${SCROLLS} frames of scrolling: ${ms.toFixed(0)} ms of script`)
}
console.log(
  `table: 100,000 rows cost ${((scrolled[1] ?? 0) / (scrolled[0] ?? 1)).toFixed(2)} times the script of 1,000 (aim: 1.2)`,
)
