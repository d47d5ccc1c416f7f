import { type Client, type UntypedEndpoints, createClient } from '@streamstack/client'

/** A workspace as `GET /v1/workspace` describes it. */
export interface Workspace {
  readonly name: string
  readonly mode: 'dev' | 'serve'
  readonly checks_tokens: boolean
  readonly endpoints: readonly Endpoint[]
  readonly tables: readonly {
    readonly name: string
    readonly file: string
    readonly columns: readonly { readonly name: string; readonly type: string }[]
  }[]
  readonly channels: readonly { readonly name: string; readonly description: string | null; readonly file: string }[]
  readonly functions: readonly { readonly name: string; readonly summary: string }[]
  readonly models: readonly string[]
  readonly problems: readonly Problem[]
}

export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly file: string
  readonly line: number
  readonly column: number
}

export interface Endpoint {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly description: string | null
  readonly file: string
  readonly line: number
  readonly authentication: boolean
  readonly roles: readonly string[]
  readonly format: string | null
  readonly delivery: string
  readonly reads_upstream: boolean
  readonly inputs: readonly Input[]
  readonly stack: readonly Step[]
}

export interface Input {
  readonly name: string
  readonly type: string
  readonly description: string | null
  readonly required: boolean
  readonly default: unknown
  readonly values: readonly unknown[] | null
  readonly min: number | null
  readonly max: number | null
  readonly max_length: number | null
  readonly properties:
    | readonly { readonly name: string; readonly type: string; readonly description: string | null }[]
    | null
}

export interface Step {
  readonly id: string
  readonly function: string
  readonly label: string | null
  readonly detail: string | null
  readonly line: number
  readonly disabled: boolean
  readonly stacks: readonly { readonly name: string; readonly steps: readonly Step[] }[]
}

/** A run as `GET /v1/runs` lists it. */
export interface ListedRun {
  readonly id: string
  readonly endpoint: string
  readonly route: string
  readonly outcome: string | null
  readonly started_at: string
  readonly ended_at: string | null
  readonly chunks: number
}

/** Base URL of the server: the console is served at `<server>/console/`. */
export const SERVER = new URL('..', location.href).href.replace(/\/$/, '')

const TOKEN_KEY = 'streamstack-console-token'

/** The user's token, for a server that requires one. It is kept in this tab only. */
export const session = {
  get token(): string {
    return sessionStorage.getItem(TOKEN_KEY) ?? ''
  },
  set token(token: string) {
    if (token === '') sessionStorage.removeItem(TOKEN_KEY)
    else sessionStorage.setItem(TOKEN_KEY, token)
  },
}

/** The server refused, or could not be reached. */
export class ApiError extends Error {
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

interface ApiRequest {
  readonly method?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks the server's own API. Throws ApiError. */
export async function api<T>(path: string, init: ApiRequest = {}): Promise<T> {
  const { token } = session
  const headers = {
    Accept: 'application/json',
    ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
    ...init.headers,
  }
  const answer = await fetch(`${SERVER}${path}`, { ...init, headers }).catch(() => null)
  if (answer === null) throw new ApiError('The server cannot be reached.', 0)
  const body = (await answer.json().catch(() => null)) as (T & { detail?: string; title?: string }) | null
  if (!answer.ok || body === null) {
    throw new ApiError(
      body?.detail ?? body?.title ?? `The server answered with status ${answer.status}.`,
      answer.status,
    )
  }
  return body
}

/** Makes a token for trying; `streamstack dev` does so. */
export async function developerToken(sub: string, roles: readonly string[]): Promise<string> {
  const body = JSON.stringify({ sub, roles })
  const { token } = await api<{ token: string }>('/v1/workspace/token', {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json' },
  })
  return token
}

export interface WatchedFetch {
  readonly fetch: typeof fetch
  /** Breaks the connection that is open, as a tunnel does. */
  drop(): void
}

/** A fetch whose bytes are shown, and whose connection can be broken. */
export function watchedFetch(onText: (text: string) => void): WatchedFetch {
  let open: AbortController | null = null
  return {
    async fetch(input, init) {
      const connection = new AbortController()
      open = connection
      const signal = init?.signal == null ? connection.signal : AbortSignal.any([init.signal, connection.signal])
      const answer = await fetch(input, { ...init, signal })
      if (answer.body === null) return answer
      const utf8 = new TextDecoder()
      const watched = answer.body.pipeThrough(
        new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
          transform(bytes, controller) {
            onText(utf8.decode(bytes, { stream: true }))
            controller.enqueue(bytes)
          },
        }),
      )
      return new Response(watched, { status: answer.status, headers: answer.headers })
    },
    drop: () => open?.abort(),
  }
}

export function clientOf(token: string, watched?: WatchedFetch): Client<UntypedEndpoints> {
  return createClient({
    url: SERVER,
    transport: 'http',
    ...(token === '' ? {} : { token }),
    ...(watched === undefined ? {} : { fetch: watched.fetch }),
  })
}
