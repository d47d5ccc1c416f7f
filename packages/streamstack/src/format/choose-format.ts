import { FORMAT_NAMES, type FormatName, StreamstackError, formats } from '@streamstack/protocol'

// A map: callers choose the key, and an object would answer to `constructor`.
const BY_MEDIA_TYPE: ReadonlyMap<string, FormatName> = new Map(
  FORMAT_NAMES.flatMap((name) => formats[name].mediaTypes.map((type): [string, FormatName] => [type, name])),
)

/** What is known of the format that a caller wants. */
export interface FormatWish {
  /** `?format=`; null without it. */
  readonly asked: string | null
  /** The header Accept. */
  readonly accept: string | undefined
  /** The Content-Type that the endpoint declares. */
  readonly declaredType?: string | undefined
  /** The format that the endpoint declares. */
  readonly declared?: FormatName | null
  /** For a caller that wants nothing in particular of an endpoint that declares nothing. Default: `sse`. */
  readonly otherwise?: FormatName
}

/**
 * The format of an answer: `?format=`, else the media type that Accept likes best, else the format or the Content-Type that the
 * endpoint declares, else `otherwise`. Throws `format_unknown`.
 */
export function chooseFormat({
  asked,
  accept,
  declaredType,
  declared = null,
  otherwise = 'sse',
}: FormatWish): FormatName {
  if (asked !== null) {
    const name = FORMAT_NAMES.find((one) => one === asked)
    if (name !== undefined) return name
    throw new StreamstackError(
      'format_unknown',
      `There is no such format. Use ?format= with one of: ${FORMAT_NAMES.join(', ')}.`,
    )
  }
  const wanted = accept === undefined ? undefined : preferred(accept, declaredType)
  return wanted ?? declared ?? mediaFormat(declaredType) ?? otherwise
}

/** The first of our formats by quality, then by place. A wildcard, and the type that the endpoint declares, leave the choice to the endpoint. */
function preferred(accept: string, declaredType: string | undefined): FormatName | undefined {
  const declared = declaredType === undefined ? null : medium(declaredType)
  let best: { format: FormatName | undefined; quality: number } = { format: undefined, quality: 0 }
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase())
    const format = BY_MEDIA_TYPE.get(type)
    const isLeft = type === declared || type === '*/*' || type === 'text/*' || type === 'application/*'
    if (format === undefined && !isLeft) continue
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    const quality = weight === undefined ? 1 : Number(weight.slice(2))
    if (quality > best.quality) best = { format, quality }
  }
  return best.format
}

/** Any other type that an endpoint declares, such as application/xml, is what its stack writes itself, line by line. */
function mediaFormat(contentType: string | undefined): FormatName | undefined {
  if (contentType === undefined) return undefined
  return BY_MEDIA_TYPE.get(medium(contentType)) ?? 'lines'
}

/** A Content-Type without its parameters. */
function medium(contentType: string): string {
  return (contentType.split(';')[0] as string).trim().toLowerCase()
}

/** The Content-Type of a format's answer: the endpoint's own where it fits the format; any other would be a lie. */
export function contentTypeOf(name: FormatName, encoded: string, declared: string | undefined): string {
  return declared !== undefined && mediaFormat(declared) === name ? withCharset(declared) : encoded
}

/** A declared Content-Type as it is sent: answers are UTF-8, and browsers guess another charset for text without one. */
export function withCharset(contentType: string): string {
  const isBare = /^text\//i.test(contentType) && !/;\s*charset\s*=/i.test(contentType)
  return isBare ? `${contentType}; charset=utf-8` : contentType
}
