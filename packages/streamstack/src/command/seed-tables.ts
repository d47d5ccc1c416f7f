import type { Engine } from '../engine/index.ts'
import { type CommandIo, colorsOf } from './io.ts'
import { counted, issueLines } from './issue-lines.ts'
import { ProgressBar, rowsPerSecond } from './progress-bar.ts'
import type { WorkspaceDir } from './workspace-dir.ts'

/** Seeds of at least so many records tell how long they took. */
const SHOWN_SPEED_RECORDS = 10_000

/** Fills empty tables that declare a seed, and tells on stderr what that came to. */
export async function seedTables(io: CommandIo, engine: Engine, dir: WorkspaceDir): Promise<void> {
  const bar = new ProgressBar(io)
  const { seeded, issues } = await engine.seedTables({
    onProgress: (table, progress) => bar.draw(table, progress),
    signal: io.signal,
  })
  bar.clear()
  const colors = colorsOf(io.stderr, io.env)
  for (const { table, inserted, seconds } of seeded) {
    const speed =
      inserted < SHOWN_SPEED_RECORDS ? '' : ` in ${seconds.toFixed(1)} s (${rowsPerSecond(inserted, seconds)})`
    io.stderr.write(
      colors.dim(`Table ${table} was empty: ${counted(inserted, 'record')} imported from its seed${speed}.\n`),
    )
  }
  for (const line of issueLines(issues, dir.prefix, colors)) io.stderr.write(`${line}\n`)
}
