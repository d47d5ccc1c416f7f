import type { Command } from 'commander'
import { type EndpointDefinition, type InputDeclaration, pathParameters } from '../definition/index.ts'
import { type InferenceContext, inferredOutput } from './inferred-output.ts'
import type { CommandIo } from './io.ts'
import { readSoundWorkspace } from './read-sound-workspace.ts'
import { writeOutput } from './write-output.ts'

interface TypesOptions {
  output?: string
}

/** `types`: TypeScript types of a workspace's endpoints, for the client. */
export function addTypes(program: Command, io: CommandIo): void {
  program
    .command('types')
    .description('Write the TypeScript types of the endpoints of a workspace, for @streamstack/client.')
    .argument('[dir]', 'the workspace folder (default: this one)')
    .option('-o, --output <file>', 'write them to a file instead of printing them')
    .addHelpText(
      'after',
      '\nExample:\n  streamstack types my-api -o src/endpoints.ts\nthen, in a program:\n  const client = createClient<Endpoints>({ url })',
    )
    .action((dir: string | undefined, options: TypesOptions) => types(io, dir, options))
}

async function types(io: CommandIo, named: string | undefined, { output }: TypesOptions): Promise<void> {
  const workspace = await readSoundWorkspace(io, named)
  if (workspace === null) return
  const text = endpointTypes(
    [...workspace.plans.values()].map(({ endpoint }) => endpoint),
    workspace,
  )
  await writeOutput(io, output, text)
}

/** A module that exports the interface `Endpoints`. */
export function endpointTypes(endpoints: readonly EndpointDefinition[], context: InferenceContext): string {
  const members = endpoints
    .map((endpoint) => ({ name: `${endpoint.method} ${endpoint.path}`, endpoint }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, endpoint }) => {
      const inputs = membersType(endpointInputs(endpoint), 2)
      return `${comment(endpoint.description, 1)}  ${quoted(name)}: {\n    inputs: ${inputs}\n${outputTypes(endpoint, context)}  }\n`
    })
  return [
    '// Made by `streamstack types`. Run it again when endpoints change.\n\n',
    '/** For `createClient<Endpoints>()` of @streamstack/client. */\n',
    `export interface Endpoints {\n${members.join('')}}\n`,
  ].join('')
}

/** The lines of `content` and `metadata`: as declared, or as the stack tells. */
function outputTypes({ output, stack }: EndpointDefinition, context: InferenceContext): string {
  const inferred = inferredOutput(stack, context)
  const content = output?.content ?? null
  const metadata = output?.metadata ?? null
  const lines = [
    ['content', content === null ? inferred.content : declaredType(content)],
    ['metadata', metadata === null ? inferred.metadata : declaredType(metadata)],
  ] as const
  return lines.map(([name, type]) => (type === null ? '' : `    ${name}: ${type}\n`)).join('')
}

function declaredType(declaration: InputDeclaration): string {
  const type = typeOf(declaration, 2)
  return declaration.nullable ? orNull(type) : type
}

interface Member {
  name: string
  description: string | null
  isRequired: boolean
  /** At this depth of indentation. */
  type: (depth: number) => string
}

/** What stands in the path has to be sent, whatever its declaration says. */
function endpointInputs({ inputs, path }: EndpointDefinition): Member[] {
  const inPath = new Set(pathParameters(path))
  return inputs.map((input) => {
    const member = memberOf(input)
    return inPath.has(input.name) ? { ...member, isRequired: true, type: (depth) => typeOf(input, depth) } : member
  })
}

function memberOf(input: InputDeclaration): Member {
  const isRequired = input.required && input.default === undefined
  const isNullable = input.nullable || !isRequired
  return {
    name: input.name,
    description: input.description,
    isRequired,
    type: (depth) => (isNullable ? orNull(typeOf(input, depth)) : typeOf(input, depth)),
  }
}

function orNull(type: string): string {
  return type === 'unknown' ? type : `${type} | null`
}

function typeOf(input: InputDeclaration, depth: number): string {
  if (input.values !== null) return input.values.map((value) => JSON.stringify(value)).join(' | ')
  switch (input.type) {
    case 'text':
    case 'email':
    case 'uuid':
      return 'string'
    case 'timestamp':
      return 'string | number'
    case 'integer':
    case 'number':
      return 'number'
    case 'boolean':
      return 'boolean'
    case 'list':
      return `readonly (${input.items === null ? 'unknown' : typeOf(input.items, depth)})[]`
    case 'object':
      return input.properties === null
        ? '{ readonly [name: string]: unknown }'
        : membersType([...input.properties.map(memberOf), anyOther], depth)
    case 'any':
      return 'unknown'
  }
}

/** Objects may hold more than what is declared. */
const anyOther: Member = { name: '', description: null, isRequired: true, type: () => 'unknown' }

function membersType(members: readonly Member[], depth: number): string {
  if (members.length === 0) return '{}'
  const indent = '  '.repeat(depth + 1)
  const lines = members.map((member) => {
    if (member === anyOther) return `${indent}[name: string]: unknown\n`
    const mark = member.isRequired ? '' : '?'
    return `${comment(member.description, depth + 1)}${indent}${memberName(member.name)}${mark}: ${member.type(depth + 1)}\n`
  })
  return `{\n${lines.join('')}${'  '.repeat(depth)}}`
}

function comment(text: string | null, depth: number): string {
  if (text === null || text.trim() === '') return ''
  const line = text.trim().replaceAll(/\s+/g, ' ').replaceAll('*/', '* /')
  return `${'  '.repeat(depth)}/** ${line} */\n`
}

function memberName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
