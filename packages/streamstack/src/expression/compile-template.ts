import type { Value } from '@streamstack/protocol'
import type { Activation } from './activation.ts'
import { located } from './failure.ts'
import { boundedText, textOf } from './value.ts'
import { type Code, type Compiled, constantOf, folded } from './unit.ts'
import { weightOf } from './work.ts'

/**
 * Text with values in it; `texts` has one item more than `parts`. Parts that are constant become text now, and the
 * few-part templates that definitions are full of join directly, without a list.
 */
export function compileTemplate<C>(
  texts: readonly string[],
  parts: readonly Compiled<C>[],
  source: string,
): Compiled<C> {
  const fixed: string[] = [texts[0] ?? '']
  const moving: Compiled<C>[] = []
  parts.forEach((part, index) => {
    const after = texts[index + 1] ?? ''
    const value = part.constant === undefined ? null : constantText(part.constant)
    if (value === null) {
      moving.push(part)
      fixed.push(after)
    } else {
      fixed[fixed.length - 1] += value + after
    }
  })
  if (moving.length === 0) return constantOf(fixed[0] ?? '')
  return folded(
    moving,
    templateCode(
      fixed,
      moving.map((part) => part.run),
      source,
    ),
  )
}

/** Null for a constant that has no text within the bounds: that fails when it runs. */
function constantText(value: Value): string | null {
  try {
    return textOf(value)
  } catch {
    return null
  }
}

function templateCode<C>(texts: readonly string[], codes: readonly Code<C>[], source: string): Code<C> {
  const [before = '', between = '', after = ''] = texts
  const [first, second] = codes
  if (first !== undefined && codes.length === 1) {
    return (context, activation) =>
      finish(before + partText(first(context, activation), source) + between, activation, source)
  }
  if (first !== undefined && second !== undefined && codes.length === 2) {
    return (context, activation) => {
      const one = partText(first(context, activation), source)
      return finish(before + one + between + partText(second(context, activation), source) + after, activation, source)
    }
  }
  return (context, activation) => {
    let joined = before
    for (let index = 0; index < codes.length; index += 1) {
      joined += partText(codes[index]?.(context, activation) ?? null, source)
      joined = finish(joined + (texts[index + 1] ?? ''), activation, source)
    }
    return joined
  }
}

function partText(value: Value, source: string): string {
  if (typeof value === 'string') return value
  try {
    return textOf(value)
  } catch (error) {
    throw located(error, source)
  }
}

function finish(text: string, activation: Activation, source: string): string {
  try {
    activation.charge(weightOf(text))
    return boundedText(text)
  } catch (error) {
    throw located(error, source)
  }
}
