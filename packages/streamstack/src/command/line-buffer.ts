import type { Output } from './io.ts'

/** Joins the lines of one turn of the event loop into one write: a log entry for each call must not cost a system call each. */
export class LineBuffer {
  readonly #output: Output
  readonly #flush = (): void => this.flush()
  #lines = ''
  #isScheduled = false

  constructor(output: Output) {
    this.#output = output
    // What is written in the last turn must not be lost when the process exits in it.
    process.once('exit', this.#flush)
  }

  write(line: string): void {
    this.#lines += line
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#flush)
  }

  flush(): void {
    this.#isScheduled = false
    if (this.#lines === '') return
    const lines = this.#lines
    this.#lines = ''
    this.#output.write(lines)
  }

  close(): void {
    process.off('exit', this.#flush)
    this.flush()
  }
}
