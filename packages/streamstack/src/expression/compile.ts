import type { Value } from '@streamstack/protocol'
import { namedConstants } from './builtins/number.ts'
import { compileCall, compileNamespaced, isNamespace, methodStep } from './compile-call.ts'
import { compileKnownMember, compileMember, compileObject, type Link, memberStep, type Step } from './compile-member.ts'
import { compileName } from './compile-name.ts'
import { binaryCode, unaryCode } from './compile-operator.ts'
import { compileTemplate } from './compile-template.ts'
import { ExpressionError } from './expression-error.ts'
import { BuiltinFailure, located } from './failure.ts'
import type { MemberTree, MethodTree, ObjectEntry, Spread, Tree } from './tree.ts'
import { type Code, type Compiled, constantOf, folded, type Unit } from './unit.ts'
import { chargeText } from './work.ts'
import { checkListItems, copyProperties, isList, isObject, keyOf, setProperty, typeName } from './value.ts'

/** Turns a tree into code. Throws an ExpressionError for names, functions and methods that do not exist. */
export function compileTree<C>(tree: Tree, unit: Unit<C>): Compiled<C> {
  switch (tree.kind) {
    case 'constant':
      return constantOf(tree.value)
    case 'name':
      return compileName(tree.name, tree, unit, 'other')
    case 'template':
      return compileTemplate(
        tree.texts,
        tree.parts.map((part) => compileTree(part, unit)),
        unit.source(tree),
      )
    case 'list':
      return compileList(tree.items, unit, unit.source(tree))
    case 'object':
      return compileProperties(tree.entries, unit, unit.source(tree))
    case 'member':
      return compileConstantMember(tree, unit) ?? compileMember(tree, unit)
    case 'method':
      return compileNamespaced(tree, unit) ?? compileMethod(tree, unit)
    case 'chain':
      return compileChain(tree.link, unit)
    case 'call':
      return compileCall(tree, unit)
    case 'unary': {
      const operand = compileTree(tree.operand, unit)
      return folded([operand], unaryCode(tree.operator, operand.run, unit.source(tree)))
    }
    case 'binary': {
      const left = compileTree(tree.left, unit)
      const right = compileTree(tree.right, unit)
      return folded([left, right], binaryCode(tree.operator, left.run, right.run, unit.source(tree)))
    }
    case 'logical': {
      const left = compileTree(tree.left, unit)
      const right = compileTree(tree.right, unit)
      return folded([left, right], logicalCode(tree.operator, left.run, right.run))
    }
    default: {
      const test = compileTree(tree.test, unit)
      const whenTrue = compileTree(tree.whenTrue, unit)
      const whenFalse = compileTree(tree.whenFalse, unit)
      return folded([test, whenTrue, whenFalse], (context, activation) =>
        test.run(context, activation) ? whenTrue.run(context, activation) : whenFalse.run(context, activation),
      )
    }
  }
}

function logicalCode<C>(operator: '&&' | '||' | '??', left: Code<C>, right: Code<C>): Code<C> {
  switch (operator) {
    case '&&':
      return (context, activation) => left(context, activation) && right(context, activation)
    case '||':
      return (context, activation) => left(context, activation) || right(context, activation)
    default:
      return (context, activation) => left(context, activation) ?? right(context, activation)
  }
}

/** A member whose value is known at load: `Math.PI`, `env.NAME`; null for ordinary members. */
function compileConstantMember<C>(tree: MemberTree, unit: Unit<C>): Compiled<C> | null {
  return compileNamedConstant(tree, unit) ?? compileKnownMember(tree, unit)
}

/** `Math.PI`; null for ordinary members. A function that is not called, and a name that does not exist, are errors. */
function compileNamedConstant<C>(tree: MemberTree, unit: Unit<C>): Compiled<C> | null {
  if (tree.object.kind !== 'name' || !isNamespace(tree.object.name, unit)) return null
  const name = `${tree.object.name}.${typeof tree.key === 'string' ? tree.key : '…'}`
  if (Object.hasOwn(namedConstants, name)) return constantOf(namedConstants[name] ?? null)
  throw new ExpressionError(`'${name}' is not a value. Call it with parentheses if it is a function.`, tree.start)
}

function compileMethod<C>(tree: MethodTree, unit: Unit<C>): Compiled<C> {
  const object = compileTree(tree.object, unit)
  const { step, isPure, parts } = methodStep(tree, unit)
  const run: Code<C> = (context, activation) => step(object.run(context, activation), context, activation)
  return isPure ? folded([object, ...parts], run) : { run, constant: undefined }
}

/** A chain with `?.`: its links pass undefined on once one of them met null. */
function compileChain<C>(tree: Tree, unit: Unit<C>): Compiled<C> {
  const link = compileLink(tree, unit)
  return { run: (context, activation) => link(context, activation) ?? null, constant: undefined }
}

function compileLink<C>(tree: Tree, unit: Unit<C>): Link<C> {
  if (tree.kind === 'method') {
    const namespaced = compileNamespaced(tree, unit)
    return namespaced === null
      ? linkCode(compileLink(tree.object, unit), methodStep(tree, unit).step, tree.optional)
      : namespaced.run
  }
  if (tree.kind !== 'member') return compileTree(tree, unit).run
  const constant = compileConstantMember(tree, unit)
  if (constant !== null) return constant.run
  const isLink = tree.object.kind === 'member' || tree.object.kind === 'method'
  const object = isLink ? compileLink(tree.object, unit) : compileObject(tree, unit).run
  return linkCode(object, memberStep(tree, unit), tree.optional)
}

function linkCode<C>(object: Link<C>, step: Step<C>, isOptional: boolean): Link<C> {
  return (context, activation) => {
    const value = object(context, activation)
    if (value === undefined || (isOptional && value === null)) return undefined
    return step(value, context, activation)
  }
}

function compileList<C>(items: readonly (Tree | Spread)[], unit: Unit<C>, source: string): Compiled<C> {
  const parts = items.map((item) => compileTree(item.kind === 'spread' ? item.value : item, unit))
  const codes = parts.map((part) => part.run)
  if (!items.some((item) => item.kind === 'spread')) {
    return folded(parts, (context, activation) => codes.map((code) => code(context, activation)))
  }
  const isSpread = items.map((item) => item.kind === 'spread')
  return folded(parts, (context, activation) => {
    const made: Value[] = []
    try {
      codes.forEach((code, index) => {
        const value = code(context, activation)
        if (isSpread[index] === true) {
          const spread = spreadItems(value)
          activation.charge(spread.length / 2)
          checkListItems(made.length + spread.length)
          for (const item of spread) made.push(item)
        } else {
          made.push(value)
        }
      })
      return made
    } catch (error) {
      throw located(error, source)
    }
  })
}

function spreadItems(value: Value): readonly Value[] {
  if (isList(value)) return value
  if (typeof value === 'string') {
    checkListItems(value.length)
    chargeText(value.length * 16)
    return Array.from(value)
  }
  const cure = value === null ? ' Where it may be missing write ...(value ?? []).' : ''
  throw new BuiltinFailure(`'...' needs a list, not ${typeName(value)}.${cure}`)
}

/** What one entry of an object literal adds. */
type Addition<C> = (made: Record<string, Value>, ...run: Parameters<Code<C>>) => void

function compileProperties<C>(entries: readonly (ObjectEntry | Spread)[], unit: Unit<C>, source: string): Compiled<C> {
  const parts: Compiled<C>[] = []
  const part = (tree: Tree): Code<C> => {
    const compiled = compileTree(tree, unit)
    parts.push(compiled)
    return compiled.run
  }
  const additions = entries.map((entry): Addition<C> => {
    const value = part(entry.value)
    if (entry.kind === 'spread') {
      return (made, context, activation) => {
        const spread = value(context, activation)
        if (spread === null) return
        if (!isObject(spread)) throw new BuiltinFailure(`'...' needs an object, not ${typeName(spread)}.`)
        copyProperties(made, spread)
      }
    }
    const { key } = entry
    if (typeof key === 'string') {
      return (made, context, activation) => {
        made[key] = value(context, activation)
      }
    }
    const computed = part(key)
    return (made, context, activation) => {
      const name = keyOf(computed(context, activation))
      activation.charge(1)
      setProperty(made, name, value(context, activation))
    }
  })
  return folded(parts, (context, activation) => {
    const made: Record<string, Value> = {}
    try {
      for (const addition of additions) addition(made, context, activation)
      return made
    } catch (error) {
      throw located(error, source)
    }
  })
}
