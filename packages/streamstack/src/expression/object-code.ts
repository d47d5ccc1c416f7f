import type { Value } from '@streamstack/protocol'
import type { Activation } from './activation.ts'
import { jsonText, notTooLong } from './json-text.ts'
import type { Code, Compiled } from './unit.ts'

interface ObjectCode<C> {
  readonly run: Code<C>
  /** The JSON of the object, without the object being made. Throws `limit_exceeded` as `jsonText` does. */
  readonly json: (context: C, activation: Activation) => string
}

/** A member whose value is known only at run time. */
interface Member<C> {
  readonly name: string
  readonly run: Code<C>
  /** The JSON between the value of the member before and its own: its name, and members that are constant. */
  readonly before: string
}

/** Code of an object whose names are fixed. */
export function objectCode<C>(names: readonly string[], parts: readonly Compiled<C>[]): ObjectCode<C> {
  const model: Record<string, Value> = {}
  const members: Member<C>[] = []
  let before = '{'
  names.forEach((name, index) => {
    const { run, constant } = parts[index] as Compiled<C>
    model[name] = constant ?? null
    before += `${index === 0 ? '' : ','}${JSON.stringify(name)}:`
    if (constant !== undefined) before += jsonText(constant)
    else {
      members.push({ name, run, before })
      before = ''
    }
  })
  const last = `${before}}`
  return {
    run(context, activation) {
      // A copy of the model, so that all of them share one hidden class.
      const made = { ...model }
      for (const { name, run } of members) made[name] = run(context, activation)
      return made
    },
    json(context, activation) {
      // Joined, not added up: V8 would keep the sum as a tree of its parts.
      const texts: string[] = []
      for (const member of members) texts.push(member.before, memberText(member.run(context, activation)))
      texts.push(last)
      return notTooLong(texts.join(''))
    },
  }
}

function memberText(value: Value): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  return typeof value === 'boolean' || value === null ? String(value) : jsonText(value)
}
