import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Writes a workspace of these files (path → text, or a value as JSON) to a new folder, and removes it after `use`. */
export async function withWorkspace<Result>(
  files: Readonly<Record<string, unknown>>,
  use: (dir: string) => Promise<Result>,
): Promise<Result> {
  const dir = await mkdtemp(join(tmpdir(), 'streamstack-bench-'))
  const remove = (): void => rmSync(dir, { recursive: true, force: true })
  // An end by a signal comes past no finally block.
  process.once('exit', remove)
  try {
    for (const [path, content] of Object.entries(files)) {
      const file = join(dir, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    }
    return await use(dir)
  } finally {
    process.off('exit', remove)
    await rm(dir, { recursive: true, force: true })
  }
}
