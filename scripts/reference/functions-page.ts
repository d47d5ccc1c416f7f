import { stringify } from 'yaml'
import type { FunctionDefinition } from '../../packages/streamstack/src/functions/index.ts'
import { anchor, code, fenced, page, table } from './markdown.ts'

type Parameters = FunctionDefinition['parameters']
type Stacks = NonNullable<FunctionDefinition['stacks']>
type Example = FunctionDefinition['examples'][number]

/** How a parameter is read, in words. */
const kinds: Readonly<Record<Parameters[string]['kind'], string>> = {
  value: '',
  condition: 'condition',
  assignments: 'names and values',
  variable: "a variable's name",
  literal: 'fixed',
  where: 'filter',
}

/** Every function, in the order of its list. */
export function functionsPage(functions: readonly FunctionDefinition[]): string {
  return page([
    '# Functions',
    'What a step can do. The [guide](../functions.md) tells when to use which. Keys in brackets are other spellings that are understood. Values may hold `{{ }}`, except where the type says "fixed": these are known when the definition loads.',
    table(
      ['function', 'what it does'],
      functions.map(({ name, summary }) => [`[${name}](#${anchor(name)})`, summary]),
    ),
    ...functions.flatMap(section),
  ])
}

function section(definition: FunctionDefinition): string[] {
  const { name, aliases = [], summary, parameters, stacks = {}, examples } = definition
  const blocks = [`## ${name}`, summary]
  if (aliases.length > 0) blocks.push(`Also written ${aliases.map(code).join(', ')}.`)
  if (Object.keys(parameters).length > 0) blocks.push(parameterTable(parameters))
  if (Object.keys(stacks).length > 0) blocks.push(stackTable(stacks))
  const result = resultText(definition)
  if (result !== null) blocks.push(result)
  return blocks.concat(examples.flatMap(exampleBlocks))
}

function parameterTable(parameters: Parameters): string {
  const rows = Object.entries(parameters).map(([name, parameter]) => [
    spellings(name, parameter.aliases),
    [typeText(parameter), kinds[parameter.kind]].filter((part) => part !== '').join(', '),
    parameter.required === true
      ? 'required'
      : parameter.default === undefined
        ? ''
        : code(JSON.stringify(parameter.default)),
    parameter.summary,
  ])
  return table(['parameter', 'type', 'default', 'what it is'], rows)
}

function typeText({ type, values, kind }: Parameters[string]): string {
  if (values !== undefined) return values.map(code).join(' or ')
  return kind === 'value' || kind === 'literal' ? (type ?? 'any') : ''
}

function stackTable(stacks: Stacks): string {
  const rows = Object.entries(stacks).map(([name, stack]) => [
    spellings(name, stack.aliases),
    `${formText(stack)}${stack.required === true ? ', required' : ''}`,
    stack.summary,
  ])
  return table(['inner stack', 'form', 'what it holds'], rows)
}

function formText({ form = 'steps', when }: Stacks[string]): string {
  if (form === 'cases') return `list of cases: \`when\` (a ${when ?? 'value'}) and \`steps\``
  return form === 'branches' ? 'list of branches, each a list of steps' : 'list of steps'
}

function spellings(name: string, aliases: readonly string[] = []): string {
  return aliases.length === 0 ? code(name) : `${code(name)} (${aliases.map(code).join(', ')})`
}

function resultText({ resultDefault, hasResult, resultSuffixes = [] }: FunctionDefinition): string | null {
  if (resultDefault === undefined && hasResult !== true) return null
  const taker =
    resultDefault === undefined
      ? 'The variable that `as` names, if the step has it, takes the result.'
      : `The variable ${code(resultDefault)}, or the one that \`as\` names, takes the result.`
  const example = resultDefault ?? 'name'
  const more = resultSuffixes.map((suffix) => code(example + suffix)).join(' and ')
  return more === '' ? taker : `${taker} ${more} ${resultSuffixes.length > 1 ? 'are' : 'is'} set with it.`
}

function exampleBlocks(example: Example): string[] {
  const blocks = [`**${example.title}**`]
  for (const [name, file] of Object.entries(example.functions ?? {})) {
    blocks.push(`With \`functions/${name}.yaml\`:`, fenced('yaml', yaml(file)))
  }
  blocks.push(fenced('yaml', yaml({ function_stack: example.stack })))
  const called = example.inputs === undefined ? '' : `Called with ${code(JSON.stringify(example.inputs))}, it`
  const sent = example.sends.map((chunk) => code(JSON.stringify(chunk))).join(', ')
  const ends = example.fails === undefined ? '' : ` and fails with ${code(example.fails)}`
  blocks.push(`${called === '' ? 'It' : called} sends ${sent === '' ? 'nothing' : sent}${ends}.`)
  return blocks
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 100, singleQuote: true })
}
