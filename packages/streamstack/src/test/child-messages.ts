import type { TokenSettings } from '../access/index.ts'
import type { EndpointCoverage } from './coverage.ts'
import type { RecordedAnswer } from './recorded-answers.ts'

/** What the runner sends to the process of the server under test. */
export type ParentMessage =
  | {
      readonly type: 'start'
      readonly dir: string
      readonly data: string
      readonly port: number
      readonly rewrite: Readonly<Record<string, string>>
      /** Whether answers of upstreams are kept for `recorded`. */
      readonly records: boolean
    }
  | { readonly type: 'memory' }
  | { readonly type: 'coverage' }
  | { readonly type: 'recorded' }

/** What that process answers. */
export type ChildMessage =
  | { readonly type: 'started'; readonly url: string; readonly jwt: readonly TokenSettings[] }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'memory'; readonly bytes: number }
  | { readonly type: 'coverage'; readonly endpoints: readonly EndpointCoverage[] }
  | { readonly type: 'recorded'; readonly answers: readonly RecordedAnswer[] }
