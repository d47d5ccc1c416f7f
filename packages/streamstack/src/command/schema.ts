import { Argument, type Command } from 'commander'
import { channelJsonSchema } from '../channel/index.ts'
import { endpointJsonSchema, functionJsonSchema } from '../definition/index.ts'
import { tableJsonSchema } from '../table/index.ts'
import { functions } from '../functions/index.ts'
import { settingsJsonSchema } from '../workspace/index.ts'
import type { CommandIo } from './io.ts'

const schemas = {
  endpoint: () => endpointJsonSchema(functions),
  function: () => functionJsonSchema(functions),
  table: () => tableJsonSchema(),
  channel: () => channelJsonSchema(),
  settings: () => settingsJsonSchema(),
} as const

/** `schema`: JSON Schema for editors. */
export function addSchema(program: Command, io: CommandIo): void {
  program
    .command('schema')
    .description('Print the JSON Schema of a kind of file, for completion and checks in editors.')
    .addArgument(new Argument('<kind>', 'the kind of file').choices(Object.keys(schemas)))
    .addHelpText(
      'after',
      '\nExample:\n  streamstack schema endpoint > endpoint.schema.json\nthen, on top of an endpoint file in YAML:\n  # yaml-language-server: $schema=../endpoint.schema.json',
    )
    .action((kind: keyof typeof schemas) => {
      io.stdout.write(`${JSON.stringify(schemas[kind](), null, 2)}\n`)
    })
}
