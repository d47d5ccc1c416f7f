import type { CaseNode, StepNode } from '../../definition/types.ts'
import { type Frame, END, type Strand, execute, newFrame } from '../../run/index.ts'
import { numberArgument } from '../parts/arguments.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'
import type { Compiler, Label } from '../parts/compiler.ts'

export const parallel: FunctionDefinition = {
  name: 'Parallel',
  aliases: ['Run in Parallel', 'Parallel Branches'],
  summary: 'Runs branches side by side: chunks come as they are made, in order within each branch.',
  parameters: {
    at_once: {
      kind: 'value',
      summary: 'How many branches run at the same time.',
      type: 'integer',
      default: 8,
      aliases: ['concurrency', 'max_concurrency'],
    },
    on_error: {
      kind: 'literal',
      summary:
        'When a branch fails: `stop_others` ends the other branches and fails; `wait_for_others` lets them come to their end, then fails; `ignore` goes on without the failed branch.',
      type: 'text',
      values: ['stop_others', 'wait_for_others', 'ignore'],
      default: 'stop_others',
    },
  },
  stacks: {
    branches: { summary: 'A list of stacks.', form: 'branches', required: true },
  },
  examples: [
    {
      title: 'The quick branch does not wait for the slow one',
      stack: [
        {
          function: 'Parallel',
          branches: [
            [
              { function: 'Sleep', duration: 30 },
              { function: 'Streaming API Response', content: 'slow' },
            ],
            [{ function: 'Streaming API Response', content: 'quick' }],
          ],
        },
        { function: 'Streaming API Response', content: 'both done' },
      ],
      sends: ['quick', 'slow', 'both done'],
    },
    {
      title: 'One source may fail',
      stack: [
        {
          function: 'Parallel',
          on_error: 'ignore',
          branches: [
            [{ function: 'Throw Error', message: 'down' }],
            [{ function: 'Streaming API Response', content: 'up' }],
          ],
        },
      ],
      sends: ['up'],
    },
  ],
  compile(step, compiler) {
    const stacks = step.cases['branches'] ?? []
    warnOfSharedVariables(compiler, stacks)
    const atOnce = numberArgument(step, compiler, 'at_once', 8, { min: 1, max: 1000, integer: true })
    const policy = (step.parameters['on_error']?.value ?? 'stop_others') as Policy
    const done = compiler.label()
    const branches: { from: Label; to: Label }[] = []
    compiler.emit((frame, strand) =>
      runBranches(frame, strand, branches, atOnce(frame), policy).then(() => {
        frame.branches = null
        frame.pc = done.pc
      }),
    )
    for (const { steps } of stacks) branches.push(compiler.branch(() => compiler.steps(steps)))
    compiler.place(done)
  },
}

/** Branches share the variables of the stack: what two of them set, the later one overwrites, whichever that is. */
function warnOfSharedVariables(compiler: Compiler, branches: readonly CaseNode[]): void {
  const takenBy = new Map<string, number>()
  const warned = new Set<StepNode>()
  for (const [index, { steps }] of branches.entries()) {
    for (const [name, setters] of compiler.assignedNames(steps)) {
      const setter = setters.find((one) => !one.disabled && !warned.has(one) && overwrites(compiler, one, name))
      if (setter === undefined) continue
      const other = takenBy.get(name)
      if (other === undefined) {
        takenBy.set(name, index)
        continue
      }
      warned.add(setter)
      compiler.issue(
        'warning',
        `Branches ${other + 1} and ${index + 1} of Parallel both set the variable '${name}', and each overwrites what the other has set. Give each branch a name of its own${compiler.resultSlot(setter) === -1 ? '' : ', with `as`'}.`,
        setter.position,
      )
    }
  }
}

/** An unread result does no harm; an update such as `{{count + 1}}` keeps what was set before it. */
function overwrites(compiler: Compiler, step: StepNode, name: string): boolean {
  if (compiler.resultSlot(step) !== -1) return compiler.mentions(name)
  const { value, updates } = step.parameters
  const written = updates?.entries?.find(({ key }) => key === name)?.node ?? value
  const words = new Set<string>(JSON.stringify(written?.value ?? null).match(/[A-Za-z_$][\w$]*/g))
  return !words.has(name)
}

type Policy = 'stop_others' | 'wait_for_others' | 'ignore'

async function runBranches(
  frame: Frame,
  parent: Strand,
  branches: readonly { from: Label; to: Label }[],
  atOnce: number,
  policy: Policy,
): Promise<void> {
  const { strand, release } = parent.fork()
  // A frame that is taken up again has its branches; those that were done are null.
  const frames: (Frame | null)[] =
    frame.branches ??
    branches.map(({ from, to }) =>
      newFrame(frame.program, frame.slots, { from: from.pc, to: to.pc, depth: frame.depth }),
    )
  frame.branches = frames
  let next = 0
  let failure: { thrown: unknown } | null = null
  const work = async (): Promise<void> => {
    while (next < frames.length && !(failure !== null && policy === 'stop_others')) {
      const index = next++
      const branch = frames[index] ?? null
      if (branch === null) continue
      try {
        await execute(strand, branch)
      } catch (thrown) {
        // A branch that ends because of its sibling, or with the run, has nothing to tell.
        if (thrown === END) continue
        if (policy === 'ignore' && typeof thrown !== 'symbol') continue
        failure ??= { thrown }
        if (policy === 'stop_others') strand.end()
      } finally {
        frames[index] = null
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, frames.length) }, work))
  } finally {
    release()
  }
  if (parent.isEnding) throw END
  if (failure !== null) throw (failure as { thrown: unknown }).thrown
}
