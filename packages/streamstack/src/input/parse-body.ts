import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { parseJson, parseJsonInPieces } from './parse-json.ts'
import { type PlainResult, isRecord } from './plain-value.ts'

/** Inputs by name, as a JSON body holds them with their types, or as a form holds them, all texts. */
export type RequestBody = { readonly [name: string]: Value } | URLSearchParams

/** What a caller who did not send an object is told to send. */
export interface BodyExample {
  /** How a list becomes an object. */
  readonly list: string
  /** An object as it is meant. */
  readonly object: string
}

const inputsExample: BodyExample = {
  list: 'Put it into an object, under the name of an input: {"items": [ … ]}.',
  object: 'Send an object of inputs: {"message": "…"}.',
}

/** Each costs about 1.5 µs. */
const FORM_FIELDS_MAX = 10_000
const emptyBody: RequestBody = Object.freeze({})

const JSON_CURE = 'Send a JSON object with Content-Type: application/json.'

/**
 * Reads the inputs out of a request body. JSON may come as `text/plain` or without a type, as pages and simple clients
 * send it. An empty body holds no inputs.
 *
 * @throws StreamstackError `body_unreadable` with the place and the cure, or `media_type_unsupported`.
 */
export function parseBody(
  bytes: Buffer,
  contentType: string | undefined,
  example: BodyExample = inputsExample,
): RequestBody {
  const text = bodyText(bytes, contentType)
  if (text === null) return emptyBody
  return readContentType(contentType) === 'form' ? parseForm(text) : bodyOf(parseJson(text), example)
}

/** The same for large bodies: yields every few milliseconds at most. */
export function* parseBodyInPieces(
  bytes: Buffer,
  contentType: string | undefined,
  example: BodyExample = inputsExample,
): Generator<undefined, RequestBody> {
  const text = bodyText(bytes, contentType)
  if (text === null) return emptyBody
  return readContentType(contentType) === 'form' ? parseForm(text) : bodyOf(yield* parseJsonInPieces(text), example)
}

/** Null: it is empty. */
function bodyText(bytes: Buffer, contentType: string | undefined): string | null {
  if (bytes.length === 0) return null
  readContentType(contentType)
  const text = decodeUtf8(bytes)
  const trimmed = text.trim()
  if (trimmed === '[object Object]') {
    throw unreadable(
      'The body is the text "[object Object]": an object was turned to text on its way. In WeWeb\'s REST plugin bind a ' +
        'raw JSON string as the body; in JavaScript send JSON.stringify(body).',
    )
  }
  return trimmed === '' ? null : text
}

/**
 * Refuses a body by its Content-Type, before anything of it is read.
 *
 * @throws StreamstackError `media_type_unsupported`.
 */
export function checkBodyType(contentType: string | undefined): void {
  readContentType(contentType)
}

function bodyOf(parsed: PlainResult, example: BodyExample): RequestBody {
  if ('fault' in parsed) throw unreadable(`The body ${parsed.fault}. ${JSON_CURE}`)
  const { value } = parsed
  if (isRecord(value)) return value
  if (Array.isArray(value)) throw unreadable(`The body is a JSON list. ${example.list}`)
  if (typeof value === 'string' && /^\s*\{/.test(value)) {
    throw unreadable('The body is a JSON object inside a JSON text: it was stringified twice. Stringify it once.')
  }
  const kind = value === null ? 'null' : `a JSON ${typeof value === 'string' ? 'text' : typeof value}`
  throw unreadable(`The body is ${kind}. ${example.object}`)
}

function parseForm(text: string): RequestBody {
  if (/^\s*[{[]/.test(text)) {
    throw unreadable('The body looks like JSON, but its Content-Type says form. Send Content-Type: application/json.')
  }
  let fields = 1
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', at + 1)) fields += 1
  if (fields > FORM_FIELDS_MAX) throw unreadable('The form holds more than 10,000 fields. Send fewer, or send JSON.')
  const form = new URLSearchParams(text)
  // Percent escapes that are not UTF-8 decode to U+FFFD silently: detected where the client did not send that character.
  const sentIt = !text.includes('%') || text.includes('\uFFFD') || /%EF%BF%BD/i.test(text)
  if (!sentIt && holdsReplacement(form)) {
    throw unreadable('The form holds percent escapes that are not UTF-8. Encode the form as UTF-8.')
  }
  return form
}

function holdsReplacement(form: URLSearchParams): boolean {
  for (const [name, value] of form) if (name.includes('\uFFFD') || value.includes('\uFFFD')) return true
  return false
}

function readContentType(contentType: string | undefined): 'json' | 'form' {
  const [essence = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  for (const parameter of parameters) {
    const charset = /^\s*charset\s*=\s*"?([^"\s]*)/.exec(parameter)?.[1]
    if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii', 'ascii'].includes(charset)) {
      throw unsupported(
        'The body is not in UTF-8. Send it in UTF-8, with Content-Type: application/json; charset=utf-8.',
      )
    }
  }
  const type = essence.trim()
  if (type === 'application/x-www-form-urlencoded') return 'form'
  if (type === '' || type === 'text/plain' || type === 'text/json' || /^application\/([\w.-]+\+)?json$/.test(type)) {
    return 'json'
  }
  if (type.startsWith('multipart/')) {
    throw unsupported(
      `Forms with files are not read. ${JSON_CURE} A browser's form does with enctype="application/x-www-form-urlencoded".`,
    )
  }
  throw unsupported(`This Content-Type is not read. ${JSON_CURE}`)
}

function decodeUtf8(bytes: Buffer): string {
  try {
    // Drops a byte order mark, too.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new StreamstackError('body_unreadable', 'The body is not UTF-8 text. Encode it as UTF-8.', { cause })
  }
}

function unreadable(message: string): StreamstackError {
  return new StreamstackError('body_unreadable', message)
}

function unsupported(message: string): StreamstackError {
  return new StreamstackError('media_type_unsupported', message)
}
