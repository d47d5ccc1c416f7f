import type { Value } from '@streamstack/protocol'
import type { FunctionShape, StepNode } from '../../definition/types.ts'
import type { Compiler } from './compiler.ts'

/** A use of a function that the reference page shows and a test runs. */
export interface Example {
  title: string
  /** The function stack, as it stands in a definition. */
  stack: readonly Value[]
  /** Inputs of the call, declared as they come. */
  inputs?: Readonly<Record<string, Value>>
  /** Function files that the stack calls, by name. */
  functions?: Readonly<Record<string, Value>>
  /** Tables that it reads or writes: columns as in `tables/<name>.yaml`, and what they hold before. */
  tables?: Readonly<Record<string, ExampleTable>>
  /** Channels that it publishes to, as in `channels/<name>.yaml`. */
  channels?: Readonly<Record<string, Value>>
  /** What other services answer, by URL. */
  upstream?: Readonly<Record<string, ExampleAnswer>>
  /** Contents of the chunks that it sends, in order. */
  sends: readonly Value[]
  /** Code of the error that it ends with. */
  fails?: string
}

export interface ExampleTable {
  columns: Readonly<Record<string, Value>>
  records: readonly { readonly [column: string]: Value }[]
}

export interface ExampleAnswer {
  /** Default: 200. */
  status?: number
  /** Its Content-Type. */
  type: string
  body: string
}

/** A function: everything about it in one object, from which the plan, the reference page and the editors' schema are made. */
export interface FunctionDefinition extends FunctionShape {
  examples: readonly Example[]
  /** Ends of further variables that the step sets besides its result: `_status` makes `response_status`. */
  resultSuffixes?: readonly string[]
  /** Whether it gives new values to variables only, which another step must create. */
  updatesOnly?: boolean
  /** Whether its steps read streamed answers of other services. */
  readsUpstream?: boolean
  /** Names of the function files that a step may run. */
  calls?(step: StepNode): readonly string[]
  /** Compiles one step into ops. Parameters were checked against the shape. */
  compile(step: StepNode, compiler: Compiler): void
}
