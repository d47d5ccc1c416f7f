import type { Output } from './io.ts'

/** Writes as fast as the output takes it; a pipe whose reader has left ends it. */
export async function writeTo(output: Output, text: AsyncIterable<string>): Promise<void> {
  for await (const piece of text) {
    if (output.destroyed || output.errored !== null) return
    if (!output.write(piece)) {
      await new Promise<void>((resolved) => {
        const done = (): void => {
          output.off('drain', done)
          output.off('close', done)
          output.off('error', done)
          resolved()
        }
        output.on('drain', done)
        output.on('close', done)
        output.on('error', done)
      })
    }
  }
}
