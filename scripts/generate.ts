/** Writes what is made from code: the pages and editors' schemas of `docs/reference`. With `--check` it compares instead, and fails when one is old. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { channelJsonSchema } from '../packages/streamstack/src/channel/index.ts'
import {
  endpointJsonSchema,
  functionJsonSchema,
  tableJsonSchema,
} from '../packages/streamstack/src/definition/index.ts'
import { functions } from '../packages/streamstack/src/functions/index.ts'
import { settingsJsonSchema } from '../packages/streamstack/src/workspace/index.ts'
import { errorsPage } from './reference/errors-page.ts'
import { expressionsPage } from './reference/expressions-page.ts'
import { functionsPage } from './reference/functions-page.ts'
import { settingsPage } from './reference/settings-page.ts'

const asJson = (schema: unknown): string => `${JSON.stringify(schema, null, 2)}\n`

const files: Readonly<Record<string, string>> = {
  'functions.md': functionsPage(functions),
  'expressions.md': expressionsPage(),
  'errors.md': errorsPage(),
  'settings.md': settingsPage(settingsJsonSchema()),
  'endpoint-schema.json': asJson(endpointJsonSchema(functions)),
  'function-schema.json': asJson(functionJsonSchema(functions)),
  'table-schema.json': asJson(tableJsonSchema()),
  'channel-schema.json': asJson(channelJsonSchema()),
  'settings-schema.json': asJson(settingsJsonSchema()),
}

const folder = join(dirname(import.meta.dirname), 'docs', 'reference')
const isCheck = process.argv.includes('--check')
mkdirSync(folder, { recursive: true })
for (const [name, content] of Object.entries(files)) {
  const path = join(folder, name)
  if (!isCheck) writeFileSync(path, content)
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== content) {
    console.error(`docs/reference/${name} is not what the code says. Run: npm run generate`)
    process.exitCode = 1
  }
}
