import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CommandIo } from './io.ts'

/** Writes text to the file that `--output` names, seen from the working folder; prints it where none is named. */
export async function writeOutput(io: CommandIo, output: string | undefined, text: string): Promise<void> {
  if (output === undefined) io.stdout.write(text)
  else await writeFile(resolve(io.cwd, output), text)
}
