import type { Value } from '@streamstack/protocol'
import type { InputDeclaration } from '../definition/index.ts'

const SAMPLE_EMAIL = 'ada@example.com'

/** Values that fit the declared inputs, for a call to try: what is required, and `options`, which show what streaming can do. */
export function sampleInputs(inputs: readonly InputDeclaration[]): Readonly<Record<string, Value>> {
  const samples: [string, Value][] = []
  for (const input of inputs) {
    if (input.name === 'options' && input.type === 'object') samples.push(['options', sampleOptions(input)])
    else if ((input.required || isSaid(input)) && input.default === undefined)
      samples.push([input.name, sampleOf(input)])
  }
  return Object.fromEntries(samples)
}

/** What a chat is about is part of its call, also where other inputs may stand for it. */
function isSaid({ name, type }: InputDeclaration): boolean {
  return type === 'text' && /^(?:message|prompt|question)$/.test(name)
}

function sampleOptions({ properties }: InputDeclaration): Value {
  const known: Readonly<Record<string, Value>> = { chunk_size: 3, delay: 100 }
  if (properties === null) return known
  return Object.fromEntries(Object.entries(known).filter(([name]) => properties.some((one) => one.name === name)))
}

/** A value that fits one declaration, unless it has a pattern. */
export function sampleOf(input: InputDeclaration): Value {
  if (input.default !== undefined && input.default !== null) return input.default
  if (input.values !== null) return input.values[0] ?? null
  switch (input.type) {
    case 'text':
      return sampleText(input)
    case 'integer':
      return Math.ceil(sampleNumber(input))
    case 'number':
      return sampleNumber(input)
    case 'boolean':
      return true
    case 'object': {
      const required = (input.properties ?? []).filter((property) => property.required)
      return Object.fromEntries(required.map((property) => [property.name, sampleOf(property)]))
    }
    case 'list': {
      if (input.name === 'messages' && input.items === null) return [{ role: 'user', content: 'Hello, stream!' }]
      const item: Value = input.items === null ? 'example' : sampleOf(input.items)
      return Array.from({ length: Math.max(1, input.minLength ?? 1) }, () => item)
    }
    case 'timestamp':
      return '2026-01-31T12:00:00Z'
    case 'email':
      return SAMPLE_EMAIL
    case 'uuid':
      return '6f1c1f3e-2b7d-4d55-9a53-0d4f4b6f2a10'
    default:
      return 'example'
  }
}

function sampleNumber({ min, max }: InputDeclaration): number {
  return Math.min(Math.max(1, min ?? 1), max ?? Infinity)
}

/** Whether an input takes an address: an endpoint that registers users may declare the type, and one that logs them in a text of that name. */
export function isEmailInput({ name, type }: InputDeclaration): boolean {
  return type === 'email' || (type === 'text' && /(?:^|_)e?mail$/i.test(name))
}

function sampleText(input: InputDeclaration): string {
  const { name, minLength, maxLength } = input
  if (
    isEmailInput(input) &&
    (minLength ?? 0) <= SAMPLE_EMAIL.length &&
    (maxLength ?? Infinity) >= SAMPLE_EMAIL.length
  ) {
    return SAMPLE_EMAIL
  }
  const text = /message|prompt|question/i.test(name) ? 'Hello, stream!' : `example ${name.replaceAll('_', ' ')}`
  return text.padEnd(minLength ?? 0, '.').slice(0, maxLength ?? undefined)
}
