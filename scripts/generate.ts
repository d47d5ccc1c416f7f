/** Writes what is made from code: the pages and editors' schemas of `docs/reference`, and the paths that definitions may not take. With `--check` it compares instead, and fails when one is old. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { processIo } from '../packages/streamstack/src/command/io.ts'
import { program } from '../packages/streamstack/src/command/main.ts'
import { channelJsonSchema } from '../packages/streamstack/src/channel/index.ts'
import { tableJsonSchema } from '../packages/streamstack/src/table/index.ts'
import { endpointJsonSchema, functionJsonSchema } from '../packages/streamstack/src/definition/index.ts'
import { functions } from '../packages/streamstack/src/functions/index.ts'
import { reservedPaths, routeDescriptions } from '../packages/streamstack/src/http/index.ts'
import { settingsJsonSchema, START_SETTING_KEYS } from '../packages/streamstack/src/workspace/index.ts'
import { commandsPage } from './reference/commands-page.ts'
import { customElementsJson, describeElements } from './reference/elements-manifest.ts'
import { elementsPage } from './reference/elements-page.ts'
import { errorsPage } from './reference/errors-page.ts'
import { expressionsPage } from './reference/expressions-page.ts'
import { functionsPage } from './reference/functions-page.ts'
import { withMeasuredGuardrails } from './reference/guardrails-table.ts'
import { httpPage } from './reference/http-page.ts'
import { reservedPathsModule } from './reference/reserved-paths-module.ts'
import { settingsPage } from './reference/settings-page.ts'
import { testSentencesPage } from './reference/test-sentences-page.ts'

const asJson = (schema: unknown): string => `${JSON.stringify(schema, null, 2)}\n`

const folder = join(dirname(import.meta.dirname), 'docs', 'reference')
const guardrails = '../ai/guardrails.md'

const elements = describeElements(join(dirname(import.meta.dirname), 'packages/elements'))

const files: Readonly<Record<string, string>> = {
  'functions.md': functionsPage(functions),
  'expressions.md': expressionsPage(),
  'commands.md': commandsPage(program(processIo())),
  'elements.md': elementsPage(elements),
  '../../packages/elements/custom-elements.json': customElementsJson(elements),
  'errors.md': errorsPage(),
  'http.md': httpPage(routeDescriptions),
  'settings.md': settingsPage(settingsJsonSchema(), START_SETTING_KEYS),
  'test-sentences.md': testSentencesPage(),
  [guardrails]: withMeasuredGuardrails(readFileSync(join(folder, guardrails), 'utf8')),
  'endpoint-schema.json': asJson(endpointJsonSchema(functions)),
  'function-schema.json': asJson(functionJsonSchema(functions)),
  'table-schema.json': asJson(tableJsonSchema()),
  'channel-schema.json': asJson(channelJsonSchema()),
  'settings-schema.json': asJson(settingsJsonSchema()),
  '../../packages/streamstack/src/definition/reserved-paths.ts': reservedPathsModule(reservedPaths),
}

const isCheck = process.argv.includes('--check')
mkdirSync(folder, { recursive: true })
for (const [name, content] of Object.entries(files)) {
  const path = join(folder, name)
  if (!isCheck) writeFileSync(path, content)
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== content) {
    console.error(`${relative(process.cwd(), path)} is not what the code says. Run: npm run generate`)
    process.exitCode = 1
  }
}
