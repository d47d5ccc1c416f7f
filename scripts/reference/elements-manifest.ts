import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'rolldown/parseAst'

/** A member of an element, as a page sets or calls it. */
export interface ElementMember {
  readonly kind: 'field' | 'method'
  readonly name: string
  /** In markup; null: it is a property only, or a method. */
  readonly attribute: string | null
  readonly type: string
  readonly description: string
}

interface Named {
  readonly name: string
  readonly description: string
}

/** An element as pages use it: what its class and the classes above it say. */
export interface ElementDescription {
  readonly tagName: string
  readonly className: string
  /** Path below `packages/elements`. */
  readonly file: string
  readonly description: string
  readonly members: readonly ElementMember[]
  readonly events: readonly Named[]
  readonly slots: readonly Named[]
  readonly cssParts: readonly Named[]
}

/** Files of the classes, bases first, as they stand below `packages/elements/src`. */
const FILES = [
  'base/themed-element.ts',
  'base/stream-element.ts',
  'base/linked-element.ts',
  'base/widget-element.ts',
  'text/stream-text.ts',
  'chat/stream-chat.ts',
  'progress/stream-progress.ts',
  'status/stream-status.ts',
  'card/metric-card.ts',
  'chart/live-chart.ts',
  'feed/activity-feed.ts',
  'table/stream-table.ts',
  'dashboard/stream-dashboard.ts',
]

/** Methods of Lit and of the platform that every element has. */
const INTERNAL = new Set(['connectedCallback', 'disconnectedCallback', 'render', 'constructor'])

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

interface ReadClass extends Omit<ElementDescription, 'tagName'> {
  readonly tagName: string | null
  readonly parent: string
}

/** Reads all elements from their source: properties from `static properties` and their `declare` with its doc comment, the rest from the doc comment of the class. */
export function describeElements(home: string): ElementDescription[] {
  const classes = new Map<string, ReadClass>()
  for (const file of FILES) {
    const read = readClass(readFileSync(join(home, 'src', file), 'utf8'), `src/${file}`)
    classes.set(read.className, read)
  }
  const lineage = (read: ReadClass): ReadClass[] => {
    const parent = classes.get(read.parent)
    return parent === undefined ? [read] : [...lineage(parent), read]
  }
  return [...classes.values()].flatMap((read) => {
    const { tagName } = read
    if (tagName === null) return []
    const line = lineage(read).toReversed()
    const first = <Item extends { name: string }>(items: readonly Item[]): Item[] =>
      [...new Map(items.toReversed().map((item) => [item.name, item])).values()].toReversed()
    return [
      {
        ...read,
        tagName,
        members: first(line.flatMap(({ members }) => members)),
        events: first(line.flatMap(({ events }) => events)),
        slots: first(line.flatMap(({ slots }) => slots)),
        cssParts: first(line.flatMap(({ cssParts }) => cssParts)),
      },
    ]
  })
}

function readClass(text: string, file: string): ReadClass {
  const program = parseAst(text, { lang: 'ts' }) as unknown as Node
  const found = (program['body'] as Node[])
    .map((node) => ({ node, declaration: (node['declaration'] ?? node) as Node }))
    .find(({ declaration }) => declaration.type === 'ClassDeclaration' && declaration['superClass'] !== null)
  if (found === undefined) throw new Error(`${file} has no class of an element.`)
  const { node, declaration } = found
  const doc = docBefore(text, node.start)
  const tags = (name: string): Named[] =>
    [...doc.matchAll(new RegExp(`^@${name} (\\S+)(?: - (.*))?$`, 'gm'))].map(([, tag = '', description = '']) => ({
      name: tag,
      description,
    }))
  const members = ((declaration['body'] as Node)['body'] as Node[]) ?? []
  const attributes = readAttributes(members, text)
  return {
    tagName: tags('tagname')[0]?.name ?? null,
    className: (declaration['id'] as { name: string }).name,
    parent: (declaration['superClass'] as { name: string }).name,
    file,
    description: doc.split(/^@/m)[0]?.trim().replace(/\s+/g, ' ') ?? '',
    members: members.flatMap((member) => readMember(member, attributes, text)),
    events: tags('fires'),
    slots: tags('slot'),
    cssParts: tags('csspart'),
  }
}

/** The names of attributes by property; null: the property has none. */
function readAttributes(members: readonly Node[], text: string): ReadonlyMap<string, string | null> {
  const properties = members.find((member) => member['static'] === true && keyOf(member) === 'properties')
  const value = properties?.['value'] as Node | undefined
  const found = new Map<string, string | null>()
  for (const property of (value?.['properties'] as Node[] | undefined) ?? []) {
    const options = text.slice((property['value'] as Node).start, (property['value'] as Node).end)
    const name = keyOf(property)
    const told = /attribute: '([^']+)'/.exec(options)?.[1]
    if (/state: true/.test(options)) continue
    found.set(name, /attribute: false/.test(options) ? null : (told ?? name.toLowerCase()))
  }
  return found
}

function readMember(member: Node, attributes: ReadonlyMap<string, string | null>, text: string): ElementMember[] {
  const name = keyOf(member)
  const isHidden =
    member['static'] === true ||
    ['protected', 'private'].includes(String(member['accessibility'])) ||
    name.startsWith('#')
  const doc = docBefore(text, member.start).replace(/\s+/g, ' ')
  if (isHidden || doc === '' || doc.includes('@internal') || INTERNAL.has(name)) return []
  if (member.type === 'PropertyDefinition') {
    const attribute = attributes.get(name)
    if (attribute === undefined) return []
    const annotation = member['typeAnnotation'] as Node | null
    const type =
      annotation === null ? '' : text.slice(annotation.start, annotation.end).replace(/^:\s*/, '').replace(/\s+/g, ' ')
    return [{ kind: 'field', name, attribute, type, description: doc }]
  }
  if (member.type !== 'MethodDefinition') return []
  const kind = String(member['kind'])
  if (kind === 'set') return []
  const body = (member['value'] as Node)['body'] as Node
  const head = text
    .slice((member['value'] as Node).start, body.start)
    .trim()
    .replace(/\s+/g, ' ')
  if (kind === 'get')
    return [{ kind: 'field', name, attribute: null, type: head.replace(/^\(\):?\s*/, ''), description: doc }]
  return [{ kind: 'method', name, attribute: null, type: head, description: doc }]
}

function keyOf(member: Node): string {
  const key = member['key'] as { name?: string; value?: string; type?: string } | undefined
  if (key?.type === 'PrivateIdentifier') return `#${key.name}`
  return key?.name ?? key?.value ?? ''
}

/** The doc comment that ends right before a place, without its stars. */
function docBefore(text: string, start: number): string {
  const before = text.slice(0, start).trimEnd()
  if (!before.endsWith('*/')) return ''
  const comment = before.slice(before.lastIndexOf('/**') + 3, -2)
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .trim()
}

/** `custom-elements.json`, schema 1.0.0 of custom-elements-manifest, for editors and catalogues. */
export function customElementsJson(elements: readonly ElementDescription[]): string {
  const modules = elements.map(({ tagName, className, file, description, members, events, slots, cssParts }) => ({
    kind: 'javascript-module',
    path: file.replace(/\.ts$/, '.js').replace(/^src/, 'dist'),
    declarations: [
      {
        kind: 'class',
        customElement: true,
        name: className,
        tagName,
        description,
        attributes: members
          .filter((member) => member.attribute !== null)
          .map((member) => ({
            name: member.attribute,
            fieldName: member.name,
            description: member.description,
            type: { text: member.type },
          })),
        members: members.map((member) =>
          member.kind === 'method'
            ? { kind: 'method', name: member.name, description: member.description }
            : { kind: 'field', name: member.name, description: member.description, type: { text: member.type } },
        ),
        events: events.map((event) => ({ ...event, type: { text: 'CustomEvent' } })),
        slots,
        cssParts,
      },
    ],
    exports: [
      { kind: 'js', name: className, declaration: { name: className } },
      { kind: 'custom-element-definition', name: tagName, declaration: { name: className } },
    ],
  }))
  return `${JSON.stringify({ schemaVersion: '1.0.0', readme: 'README.md', modules }, null, 2)}\n`
}
