import { code, page, table } from './markdown.ts'

interface SettingSchema {
  title?: string
  description?: string
  default?: unknown
  enum?: readonly string[]
  items?: unknown
  properties?: Readonly<Record<string, SettingSchema>>
  anyOf?: readonly SettingSchema[]
  required?: readonly string[]
}

interface Setting {
  key: string
  schema: SettingSchema
  required: boolean
}

/** Every key of `streamstack.yaml`, from its JSON Schema. `startKeys`: those that a running server does not take up. */
export function settingsPage(schema: SettingSchema, startKeys: readonly string[]): string {
  const settings = settingsOf(schema, '')
  const unknown = startKeys.filter((key) => !settings.some((setting) => setting.key === key))
  if (unknown.length > 0) throw new Error(`start-settings.ts names ${unknown.join(', ')}, which is no setting.`)
  return page([
    '# Settings',
    'Every key of `streamstack.yaml`, all optional unless said. A key that is not here, or a value that does not fit, keeps the server from starting and is named with its line. `{{env.NAME}}` works in every value.',
    'A change of the file is taken up while the server runs, except for the settings marked **at start**, which hold from the next start on. `streams.access: open` also needs a start; `closed` holds at once.',
    table(
      ['key', 'type', 'default', 'what it is for'],
      settings.map(({ key, schema: setting, required }) => [
        code(key),
        typeOf(setting),
        required ? 'required' : defaultOf(setting),
        `${startKeys.includes(key) ? '**At start.** ' : ''}${describe(key, setting)}`,
      ]),
    ),
    'Durations: `500ms`, `30s`, `5m`, `2h`, `1d`. Sizes: `512kb`, `10mb`, `4gb` (1 kb is 1,024 bytes).',
  ])
}

function settingsOf(schema: SettingSchema, before: string): Setting[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, setting]) => {
    const key = before + name
    // An object, or a list of such objects.
    const [object, list] = setting.anyOf ?? []
    if (object?.properties !== undefined && list?.items !== undefined) return settingsOf(object, `${key}.`)
    if (setting.properties !== undefined) return settingsOf(setting, `${key}.`)
    return name === '$schema' ? [] : [{ key, schema: setting, required: schema.required?.includes(name) === true }]
  })
}

function typeOf({ title, enum: values }: SettingSchema): string {
  return values === undefined ? (title ?? 'any') : `one of ${values.map(code).join(', ')}`
}

function defaultOf({ default: value }: SettingSchema): string {
  if (value === undefined) return ''
  return code(typeof value === 'string' ? value : JSON.stringify(value))
}

function describe(key: string, { description }: SettingSchema): string {
  if (description === undefined)
    throw new Error(`The setting ${key} needs a description: call .describe(…) in its shape.`)
  return description
}
