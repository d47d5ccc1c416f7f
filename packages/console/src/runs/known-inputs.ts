type Inputs = Readonly<Record<string, unknown>>

/** Runs whose inputs are remembered. */
const RUNS_MAX = 200

/** Inputs of the runs that this page has started: the server keeps none of durable runs. */
const known = new Map<string, Inputs>()

export function rememberInputs(run: string, inputs: Inputs): void {
  if (known.has(run)) return
  known.set(run, inputs)
  const [oldest] = known.keys()
  if (known.size > RUNS_MAX && oldest !== undefined) known.delete(oldest)
}

/** Null: this page did not start the run. */
export function inputsOf(run: string): Inputs | null {
  return known.get(run) ?? null
}

/** What the page of an endpoint is to run when it opens, because a run is repeated. */
let next: { readonly method: string; readonly path: string; readonly inputs: Inputs } | null = null

export function repeatWith(call: NonNullable<typeof next>): void {
  next = call
}

/** The inputs with which this endpoint is to run, once; null: with what its form holds. */
export function takeRepeated(method: string, path: string): Inputs | null {
  const inputs = next?.method === method && next.path === path ? next.inputs : null
  next = null
  return inputs
}
