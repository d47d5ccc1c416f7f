/**
 * Says what the elements cost in script: a chat of 20,000 streamed characters, and scrolling a table of 100,000 rows against one of 1,000. Figures of this machine, to
 * be read on a quiet one: `node --conditions=streamstack-source scripts/elements-speed.ts`. Nothing fails.
 */
import { chatFigure, tableFigures } from '@streamstack/test-support/element-figures'
import { elementsStage } from '@streamstack/test-support/elements-stage'

await using stage = await elementsStage()
for (let run = 0; run < 3; run++) {
  const { characters, chunks, shown, scriptMs } = await chatFigure(stage, 10)
  console.log(
    `chat: ${characters} characters in ${chunks} chunks, ${shown} shown: ${scriptMs.toFixed(0)} ms (aim: 200)`,
  )
}
const [few, many] = await tableFigures(stage, 200)
console.log(
  `table: 200 frames of scrolling, 1,000 rows ${few?.scriptMs.toFixed(0)} ms, 100,000 rows ${many?.scriptMs.toFixed(0)} ms: ${((many?.scriptMs ?? 0) / (few?.scriptMs ?? 1)).toFixed(2)} times (aim: 1.2)`,
)
