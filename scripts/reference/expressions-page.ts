import type { Value } from '@streamstack/protocol'
import { builtins, compileValue, limits, namedConstants } from '../../packages/streamstack/src/expression/index.ts'
import { code, page, table } from './markdown.ts'

/** Variables that the examples of operators read. */
const variables: Readonly<Record<string, Value>> = {
  user: { name: 'Ada', tags: ['x', 'y'] },
  count: 3,
  nothing: null,
}

const operators: readonly (readonly [operator: string, meaning: string, example: string])[] = [
  ['+', 'Sum of numbers; joins when one side is text.', "'n = ' + count"],
  ['- * / %', 'Arithmetic, as in JavaScript.', '(count - 1) / 4'],
  ['**', 'Power.', '2 ** 10'],
  ['=== !==', 'Equal, not equal, of the same type.', "count === '3'"],
  ['== !=', 'Equal after conversion, as in JavaScript.', "count == '3'"],
  ['< <= > >=', 'Order of numbers, or of texts.', "'apple' < 'pear'"],
  ['&& ||', 'And, or; the value of the side that decides.', "nothing || 'none'"],
  ['!', 'Not.', '!nothing'],
  ['??', 'The right side when the left is null.', 'nothing ?? 0'],
  ['? :', 'One of two, by a condition.', "count > 2 ? 'many' : 'few'"],
  ['in', 'Whether an object has a key of its own.', "'name' in user"],
  ['typeof', 'Name of the type.', 'typeof count'],
  ['. [ ]', 'Own properties, items by position.', 'user.tags[0]'],
  ['?. ?.[ ]', 'The same, null when there is nothing to look into.', 'nothing?.name'],
  ['[ ] { } ...', 'Lists and objects, with spread.', '{ ...user, tags: [...user.tags, count] }'],
  ['` `', 'Templates.', '`${user.name} has ${count}`'],
  ['=>', 'Arrow functions, only as an argument.', 'user.tags.map(tag => tag.toUpperCase())'],
]

const names: readonly (readonly [name: string, where: string, meaning: string])[] = [
  ['item', 'in For Each', 'The item of this round; `as` on the step gives it a second name.'],
  ['loop_index', 'in a loop', 'Number of the round, from 0.'],
  ['current_batch', 'in a loop', 'Number of the round, from 1.'],
  ['array_length', 'in For Each', 'Length of the list; null while a streamed answer still comes in.'],
  [
    'estimated_total',
    'in a loop',
    'Rows that the Get Records of the loop matches in all; counted once, when first asked for.',
  ],
  ['now', 'anywhere', 'The time as text: 2026-01-31T09:30:00.000Z.'],
  ['elapsed_time', 'anywhere', 'Milliseconds since the run began.'],
  ['input', 'anywhere', 'All inputs of the call. Each is also a variable of its own name.'],
  ['auth', 'anywhere', "The claims of the caller's token, with `roles` and `scopes` as lists; null without one."],
  ['env.NAME', 'anywhere', 'An environment variable that `env` of the settings lists.'],
  ['error', 'in a catch block', 'The error: `code`, `message`, `recoverable`, `retry_after`, `status`.'],
  ['error_message', 'in a catch block', 'Its message.'],
  ['is_recoverable', 'in a catch block', 'Whether trying again may help.'],
  ['suggested_retry_delay', 'in a catch block', 'Seconds to wait before that; null when it does not help.'],
]

const groups = { text: 'Text', list: 'Lists', number: 'Numbers', date: 'Dates', object: 'Objects' } as const

/** The whole language of expressions. Results of operators are worked out here, so they cannot be wrong. */
export function expressionsPage(): string {
  return page([
    '# Expressions',
    'All that may stand between `{{` and `}}`, and nothing else: the language is closed. The [guide](../expressions.md) tells how values, texts and conditions are read.',
    '## Operators',
    `With \`user\` as ${code(JSON.stringify(variables['user']))}, \`count\` as 3, \`nothing\` as null:`,
    table(
      ['operator', 'what it does', 'example', 'result'],
      operators.map(([operator, meaning, example]) => [
        code(operator),
        meaning,
        code(example),
        shown(valueOf(example)),
      ]),
    ),
    '## Names',
    'Besides the variables that steps set, the inputs, and `variables` of the settings:',
    table(
      ['name', 'where', 'what it is'],
      names.map(([name, where, meaning]) => [code(name), where, meaning]),
    ),
    `Numbers that have names: ${Object.keys(namedConstants).map(code).join(', ')}. \`undefined\` is null.`,
    ...Object.entries(groups).flatMap(([group, title]) => [
      `## ${title}`,
      table(
        ['call', 'what it gives', 'example', 'result'],
        builtins
          .filter((builtin) => builtin.group === group)
          .map(({ signature, summary, example }) => [code(signature), summary, code(example[0]), shown(example[1])]),
      ),
    ]),
    '## Limits',
    'Each is far above honest use, and keeps one call from taking the whole server.',
    table(
      ['what', 'at most'],
      [
        ['characters of one expression', bound(limits.expressionLengthMax)],
        ['brackets and operators inside one another', bound(limits.nestingMax)],
        ['links of one chain such as `a + b + c` or `a.b.c`', bound(limits.chainLengthMax)],
        ['lists and objects inside one another', bound(limits.valueDepthMax)],
        ['characters of a text that an expression makes', bound(limits.textLengthMax)],
        ['items of a list that an expression makes', bound(limits.listItemsMax)],
        ['steps of work of one evaluation, about 25 ms: by the sizes of what it touches', bound(limits.stepsMax)],
      ],
    ),
  ])
}

function valueOf(example: string): Value {
  return compileValue(`{{${example}}}`, {
    lookup: (name) =>
      Object.hasOwn(variables, name) ? { kind: 'constant', value: variables[name] ?? null } : undefined,
    names: () => Object.keys(variables),
  }).evaluate(undefined)
}

function shown(value: Value): string {
  return code(JSON.stringify(value))
}

function bound(limit: number): string {
  return limit.toLocaleString('en')
}
