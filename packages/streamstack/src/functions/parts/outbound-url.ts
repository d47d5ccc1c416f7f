import { StreamstackError, type Value } from '@streamstack/protocol'
import type { StepNode, TreeNode } from '../../definition/types.ts'
import { jsonText } from '../../expression/index.ts'
import type { Frame } from '../../run/index.ts'
import { argumentFault, kindOf } from './arguments.ts'
import type { Compiler } from './compiler.ts'

/** Where in a URL a value stands (RFC 3986 §3). */
type Place = 'start' | 'authority' | 'path' | 'query'

/** A host, or a part of one; international names are letters of any script. */
const HOST_PART = /^[\p{L}\p{N}._-]+$/u
/** What may follow a letter of the host. A dot would begin another domain: `https://api.example.com{{v}}` with `.evil.example`. */
const LABEL_PART = /^[\p{L}\p{N}_-]+$/u
const WHOLE_AUTHORITY = /^(?:[\p{L}\p{N}._-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/iu
const PORT = /^\d{1,5}$/

/** Longest URL that is sent, in characters; servers take some 8,000. */
const URL_CHARACTERS_MAX = 65_536

/** A segment that URL parsers take for "here" or "one up", however it is spelled (WHATWG URL, "double-dot URL path segment"). */
const DOT_SEGMENT = /^(?:\.|%2e){1,2}$/i

/**
 * The parameter `url`. A value in its path or query is encoded for its place, so that it can never become more than a value there: a list
 * in the path becomes several segments. A value at the very start is a URL, or the beginning of one, and stays as it is.
 */
export function prepareUrl(step: StepNode, compiler: Compiler): (frame: Frame) => string {
  const node = step.parameters['url']
  if (node === undefined) return () => ''
  if (!isText(node)) {
    compiler.issue('error', `'url' must be text; it is ${kindOf(node.value)}.`, node.position)
    return () => ''
  }
  checkWritten(node, compiler)
  const parts = compiler.parts(node)
  return (frame) => {
    let url = ''
    const values: { from: number; to: number }[] = []
    for (const part of parts) {
      if (typeof part === 'string') {
        url += part
        continue
      }
      const place = placeAfter(url)
      const value = part.expression.evaluate(frame)
      const text = part.isUrlEncoded && place !== 'authority' ? textOf(value) : encoded(step, url, place, value)
      if (place === 'path') values.push({ from: url.length, to: url.length + text.length })
      url += text
    }
    if (url.length > URL_CHARACTERS_MAX) throw problem(step, `is longer than ${URL_CHARACTERS_MAX} characters`)
    for (const { from, to } of values) checkSegments(step, url, from, to)
    return url
  }
}

/** Adds an issue for a URL, or the beginning of one, that is written out and could never be called. */
function checkWritten({ value, position }: TreeNode & { value: string }, compiler: Compiler): void {
  const [begin = ''] = value.split('{{', 1)
  const isWhole = begin.length === value.length
  const scheme = /^\s*([a-z][a-z\d+.-]*):/i.exec(begin)?.[1]?.toLowerCase()
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https' && (isWhole || begin.includes('://'))) {
    compiler.issue('error', `'url' begins with ${scheme}:, and only http and https can be called.`, position)
  } else if (isWhole && value.trim() !== '' && !/^\s*\//.test(value) && !URL.canParse(value)) {
    compiler.issue(
      'error',
      "'url' is no URL. Write an absolute one (https://…), or a path of this server, which begins with /.",
      position,
    )
  }
}

function isText(node: TreeNode): node is TreeNode & { value: string } {
  return typeof node.value === 'string'
}

function placeAfter(url: string): Place {
  if (url.trim() === '') return 'start'
  if (/[?#]/.test(url)) return 'query'
  return /^\s*[a-z][a-z\d+.-]*:[/\\]{2}[^/\\]*$/i.test(url) ? 'authority' : 'path'
}

function encoded(step: StepNode, url: string, place: Place, value: Value): string {
  switch (place) {
    case 'start':
      if (typeof value === 'string') return value
      throw problem(step, `must be text; it is ${kindOf(value)}`)
    case 'authority': {
      const text = textOf(value)
      if (allowedBehind(url).test(text)) return text
      throw problem(step, 'has a value in the place of its host that no host name may hold')
    }
    case 'path':
      return Array.isArray(value) ? value.map(encodedText).join('/') : encodedText(value)
    case 'query':
      return encodedText(value)
  }
}

/** What a value in the authority may be, by what stands before it. */
function allowedBehind(url: string): RegExp {
  if (/[/\\]$/.test(url)) return WHOLE_AUTHORITY
  if (url.endsWith(':')) return PORT
  return /[.@]$/.test(url) ? HOST_PART : LABEL_PART
}

/** A value as text, as in a template. */
function textOf(value: Value): string {
  if (typeof value === 'object' && value !== null) return jsonText(value, URL_CHARACTERS_MAX)
  return value === null ? '' : String(value)
}

function encodedText(value: Value): string {
  return encodeURIComponent(textOf(value).toWellFormed())
}

/** A value that makes a segment empty, or leads out of its place, would ask for something else than the definition says. */
function checkSegments(step: StepNode, url: string, from: number, to: number): void {
  const end = url.slice(to).search(/[/\\?#]/)
  const start = url.slice(0, from).search(/[^/\\]*$/)
  const segments = url.slice(start, end === -1 ? url.length : to + end).split('/')
  if (segments.includes('')) throw problem(step, 'has an empty value in its path')
  if (segments.some((segment) => DOT_SEGMENT.test(segment))) {
    throw problem(step, "has a value in its path that makes a segment '.' or '..', which would lead elsewhere")
  }
}

function problem(step: StepNode, what: string): StreamstackError {
  return argumentFault(step, 'url', what)
}
