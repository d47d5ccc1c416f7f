import type { Value } from '@streamstack/protocol'
import {
  REDACT_KINDS,
  type RedactKind,
  type Redactor,
  nationalIds,
  newRedactor,
  redactingFilter,
} from '../../content/index.ts'
import type { StepNode } from '../../definition/types.ts'
import { jsonText } from '../../expression/index.ts'
import type { Compiler } from '../parts/compiler.ts'
import { namesOf, prepareMatchers, textsOf } from '../parts/content-lists.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'

const kindNames = Object.keys(REDACT_KINDS) as RedactKind[]

/** The largest value that is redacted, as JSON; UTF-16 units. */
const VALUE_CHARACTERS_MAX = 32 * 1024 * 1024

export const redact: FunctionDefinition = {
  name: 'Redact',
  aliases: ['Redact Personal Data', 'Redact PII', 'Mask'],
  summary:
    'Replaces personal data and secrets by their kind, as `[email]`: in a value, or, without `input`, in everything that the run sends from here on.',
  parameters: {
    input: {
      kind: 'value',
      summary:
        'The value to redact, text or JSON; the result is the redacted one. If omitted, the step covers the rest of the run: chunks of text across their borders, records, tool arguments, metadata, messages to channels.',
      type: 'any',
      aliases: ['value', 'text', 'content'],
    },
    kinds: {
      kind: 'literal',
      summary: `Which kinds: ${kindNames.map((name) => `\`${name}\``).join(', ')}. All of them if omitted; an empty list for none.`,
      type: 'list',
    },
    national_ids: {
      kind: 'literal',
      summary: `National identity and tax numbers, by country: ${Object.keys(nationalIds)
        .map((name) => `\`${name}\``)
        .join(', ')}.`,
      type: 'list',
    },
    fields: {
      kind: 'literal',
      summary: 'Names of fields whose whole value is replaced, at any depth of JSON, in upper or lower case.',
      type: 'list',
    },
    words: { kind: 'literal', summary: 'Further words and phrases, as whole words in any case.', type: 'list' },
    patterns: {
      kind: 'literal',
      summary: 'Further regular expressions, matched in linear time; a match has at most 256 characters.',
      type: 'list',
    },
    ignore_case: { kind: 'literal', summary: 'Whether `patterns` match in any case.', type: 'boolean', default: true },
    replacement: {
      kind: 'literal',
      summary: 'Replacement for each match. Default: the name of its kind.',
      type: 'text',
      aliases: ['with', 'mask'],
    },
  },
  hasResult: true,
  examples: [
    {
      title: 'Everything that follows, also where chunks are cut inside a match',
      stack: [
        { function: 'Redact', kinds: ['email', 'card'] },
        { function: 'Streaming API Response', content: 'Write to ann@exam' },
        { function: 'Streaming API Response', content: 'ple.com. ' },
        { function: 'Streaming API Response', content: { card: '4111 1111 1111 1111' } },
      ],
      sends: ['Write to [email]', '. ', { card: '[card]' }],
    },
    {
      title: 'One value, with fields by name',
      stack: [
        {
          function: 'Redact',
          input: { name: 'Ann', note: 'call +49 30 1234567', salary: 5000 },
          fields: ['salary'],
          as: 'shown',
        },
        { function: 'Streaming API Response', content: '{{shown}}' },
      ],
      sends: [{ name: 'Ann', note: 'call [phone]', salary: '[redacted]' }],
    },
  ],
  compile(step, compiler) {
    const redactor = prepareRedactor(step, compiler)
    const { input } = step.parameters
    const slot = compiler.resultSlot(step)
    if (input === undefined) {
      if (step.as !== null)
        compiler.issue('error', '`as` takes the redacted `input`; add `input`, or remove `as`.', step.position)
      const filter = compiler.filter(redactingFilter(redactor))
      compiler.emit((frame, { run }) => run.outlet.attach(frame.program, filter))
      return
    }
    const value = compiler.value(input)
    compiler.emit((frame, strand) => {
      const redacted = redactedValue(redactor, value.evaluate(frame))
      strand.burn(costOf(redacted))
      if (slot !== -1) frame.slots[slot] = redacted
    })
  },
}

function prepareRedactor(step: StepNode, compiler: Compiler): Redactor {
  const { parameters } = step
  const replacement = (parameters['replacement']?.value as string | undefined) ?? null
  return newRedactor({
    kinds:
      parameters['kinds'] === undefined ? kindNames : (namesOf(step, compiler, 'kinds', kindNames) as RedactKind[]),
    nationalIds: namesOf(step, compiler, 'national_ids', Object.keys(nationalIds)),
    fields: textsOf(step, compiler, 'fields').map(({ value }) => value),
    matchers: prepareMatchers(step, compiler, '[redacted]'),
    replacement,
  })
}

function redactedValue(redactor: Redactor, value: Value): Value {
  if (typeof value === 'string') return redactor.text(value)
  if (value === null || typeof value === 'boolean') return value
  const json = jsonText(value, VALUE_CHARACTERS_MAX)
  const redacted = redactor.json(json)
  return redacted === json ? value : (JSON.parse(redacted) as Value)
}

function costOf(value: Value): number {
  return typeof value === 'string' ? value.length >> 8 : 16
}
