import { type FormatName, StreamstackError, formats } from '@streamstack/protocol'

const NAMES = Object.keys(formats) as readonly FormatName[]

// A map: callers choose the key, and an object would answer to `constructor`.
const BY_MEDIA_TYPE: ReadonlyMap<string, FormatName> = new Map([
  ['text/plain', 'lines'],
  ['text/event-stream', 'sse'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['application/jsonl', 'ndjson'],
  ['application/json', 'json'],
])

/**
 * The format of an answer: `?format=`, else the media type that Accept likes best, else the format or the Content-Type that the
 * endpoint declares, else `sse`. Throws `format_unknown`.
 */
export function chooseFormat(
  asked: string | null,
  accept: string | undefined,
  declaredType: string | undefined,
  declared: FormatName | null = null,
): FormatName {
  if (asked !== null) {
    const name = NAMES.find((one) => one === asked)
    if (name !== undefined) return name
    throw new StreamstackError(
      'format_unknown',
      `There is no such format. Use ?format= with one of: ${NAMES.join(', ')}.`,
    )
  }
  return (accept === undefined ? undefined : preferred(accept)) ?? declared ?? mediaFormat(declaredType) ?? 'sse'
}

/** The first of our formats by quality, then by place. A wildcard leaves the choice to the endpoint. */
function preferred(accept: string): FormatName | undefined {
  let best: { format: FormatName | undefined; quality: number } = { format: undefined, quality: 0 }
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
    const format = BY_MEDIA_TYPE.get(type)
    if (format === undefined && type !== '*/*' && type !== 'text/*' && type !== 'application/*') continue
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    const quality = weight === undefined ? 1 : Number(weight.slice(2))
    if (quality > best.quality) best = { format, quality }
  }
  return best.format
}

/** Any other text that an endpoint declares, such as text/csv, is what its stack writes itself, line by line. */
function mediaFormat(contentType: string | undefined): FormatName | undefined {
  if (contentType === undefined) return undefined
  const type = medium(contentType)
  return BY_MEDIA_TYPE.get(type) ?? (type.startsWith('text/') ? 'lines' : undefined)
}

/** A Content-Type without its parameters. */
function medium(contentType: string): string {
  return (contentType.split(';')[0] as string).trim().toLowerCase()
}

/** The Content-Type of a format's answer: the endpoint's own where it fits the format; any other would be a lie. */
export function contentTypeOf(name: FormatName, encoded: string, declared: string | undefined): string {
  return declared !== undefined && mediaFormat(declared) === name ? declared : encoded
}
