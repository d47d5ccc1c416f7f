import type { InputDeclaration } from '../../packages/streamstack/src/definition/index.ts'
import type { RouteDescription } from '../../packages/streamstack/src/http/index.ts'
import { anchor, code, page, table } from './markdown.ts'

const RIGHTS: Readonly<Record<string, string>> = {
  anyone: 'none',
  caller: 'what the channel or the run asks for',
  reader: 'what the channel asks for',
  subject: 'a token',
  owner: 'the token that started the run, if one did',
  worker: "the worker's token",
}

/** Every route of the server itself. */
export function httpPage(routes: readonly RouteDescription[]): string {
  return page([
    '# HTTP API',
    'The routes of the server itself. Endpoints of a workspace have the paths that their files declare, and none of these.',
    table(
      ['method', 'path', 'needs', 'while stopping'],
      routes.map((route) => [
        `[${route.method}](#${anchor(titleOf(route))})`,
        code(route.path),
        rightOf(route),
        route.whileStopping,
      ]),
    ),
    'Every path answers OPTIONS with `Allow`, and HEAD where GET answers as a whole. Another method gets 405 with `Allow`, a path that does not exist 404. While the server stops, what begins something is answered with 503 and `Retry-After`. A scope that a route needs may be a role of the token, too; with `streams.access: open` every program on this machine has all three. Errors are `application/problem+json`: see [errors](errors.md).',
    ...routes.flatMap(section),
  ])
}

function titleOf({ method, path }: RouteDescription): string {
  return `${method} ${path}`
}

function rightOf({ right }: RouteDescription): string {
  return typeof right === 'string' ? (RIGHTS[right] ?? right) : right.map(code).join(' and ')
}

function section(route: RouteDescription): readonly string[] {
  const { summary, inputs } = route
  const rows = [
    ...inputs.query.map((input) => [code(input.name), 'query', typeOf(input), descriptionOf(input)]),
    ...Object.entries(inputs.headers).map(([name, text]) => [code(name), 'header', 'text', text]),
    ...(inputs.body ?? []).map((input) => [code(input.name), 'body', typeOf(input), descriptionOf(input)]),
  ]
  const blocks = [`## ${titleOf(route)}`, summary]
  if (rows.length > 0) blocks.push(table(['input', 'in', 'type', 'what for'], rows))
  return blocks
}

function typeOf({ type, min, max, values }: InputDeclaration): string {
  if (values !== null) return values.map((value) => code(shown(value))).join(', ')
  return min === null || max === null ? type : `${type}, ${min} to ${max}`
}

function descriptionOf({ description, required, default: fallback }: InputDeclaration): string {
  const text = description ?? ''
  if (required) return `${text} Required.`
  return fallback === undefined || fallback === null ? text : `${text} Default: ${code(shown(fallback))}.`
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
