import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Files of a workspace by path: text and bytes as they are, anything else as JSON. */
export type Files = Readonly<Record<string, unknown>>

export interface TempWorkspace extends AsyncDisposable {
  readonly dir: string
  /** Writes a file; null removes it. */
  write(file: string, content: unknown): Promise<void>
}

/** Writes a workspace into a folder of its own, which goes away with it. */
export async function tempWorkspace(files: Files): Promise<TempWorkspace> {
  const dir = await mkdtemp(join(tmpdir(), 'streamstack-test-'))
  const write = async (file: string, content: unknown): Promise<void> => {
    const path = join(dir, file)
    if (content === null) return rm(path, { recursive: true })
    await mkdir(dirname(path), { recursive: true })
    const isRaw = typeof content === 'string' || content instanceof Uint8Array
    await writeFile(path, isRaw ? content : JSON.stringify(content, null, 2))
  }
  for (const [file, content] of Object.entries(files)) await write(file, content)
  return { dir, write, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}
