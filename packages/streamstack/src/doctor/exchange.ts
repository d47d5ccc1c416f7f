/** A request of the doctor. It asks like a browser: with codings accepted, following nothing. */
export interface Call {
  method?: string
  /** Below the address that is examined, as `/v1/probe?chunks=3`. */
  path: string
  headers?: Readonly<Record<string, string>>
  /** Called with every piece of the body as it comes. */
  onBytes?: (bytes: Buffer) => void
  onHead?: (head: Head) => void
  /** The whole exchange, milliseconds. */
  timeoutMs: number
  /** Leaves: closes the connection or the HTTP/2 stream, as a reader who has had enough. */
  signal?: AbortSignal
}

/** Status and headers of an answer. */
export interface Head {
  readonly status: number
  /** Names in lower case; repeated ones joined with a comma. */
  readonly headers: Readonly<Record<string, string>>
}

/** How a call went; it never rejects. */
export interface Exchange {
  /** Null: no answer came. */
  readonly head: Head | null
  /** `clean`: the end that HTTP promises. `left`: our own doing. `late`: more time than the call had. */
  readonly ending: 'clean' | 'broken' | 'left' | 'late'
  readonly error: NodeJS.ErrnoException | null
  /** From the first byte sent to the end. */
  readonly durationMs: number
}

/** Headers as one text each; pseudo headers of HTTP/2 left out. */
export function plainHeaders(
  headers: Readonly<Record<string, string | string[] | number | undefined>>,
): Readonly<Record<string, string>> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':') && value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : `${value}`
  }
  return plain
}
