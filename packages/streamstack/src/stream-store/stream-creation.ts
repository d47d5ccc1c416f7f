import { after } from '../storage/index.ts'
import { type CreateRequest, type ForkPlan, checkSameStream, forkOf } from './create-rules.ts'
import { steadyNowMs } from './expiry.ts'
import { LiveStream } from './live-stream.ts'
import type { LiveStreams } from './live-streams.ts'
import { newStream } from './new-stream.ts'
import type { PageReader } from './page-reader.ts'
import type { StreamStorage } from './storage.ts'
import { sourceUnknown } from './store-error.ts'
import { type Judged, type StreamCommits, bytesOf } from './stream-commits.ts'

/** What a stream of the server's own begins with. */
export type OwnStream = Pick<CreateRequest, 'contentType' | 'ttlSeconds' | 'key' | 'listedUnder'> & {
  readonly note: string
}

export interface CreateResult {
  readonly isNew: boolean
  readonly stream: LiveStream
}

/** What a new stream is a fork of. */
interface Fork {
  readonly source: LiveStream
  readonly plan: ForkPlan
}

export interface StreamCreationOptions {
  readonly storage: StreamStorage
  readonly live: LiveStreams
  readonly pages: PageReader
  readonly commits: StreamCommits
  /** Finds a stream by name that has not expired. */
  readonly find: (name: string) => LiveStream | null | Promise<LiveStream | null>
  /** Called with each new stream, once it is committed. */
  readonly onCreated: (stream: LiveStream) => void
}

/** Creates streams by name: empty, with a first chunk, as forks of others, and those of the server's own. */
export class StreamCreation {
  readonly #storage: StreamStorage
  readonly #live: LiveStreams
  readonly #pages: PageReader
  readonly #commits: StreamCommits
  readonly #find: StreamCreationOptions['find']
  readonly #onCreated: StreamCreationOptions['onCreated']

  constructor({ storage, live, pages, commits, find, onCreated }: StreamCreationOptions) {
    this.#storage = storage
    this.#live = live
    this.#pages = pages
    this.#commits = commits
    this.#find = find
    this.#onCreated = onCreated
  }

  /** Creates a stream, or returns the existing one if the request asks for the same. Throws as `StreamStore.create`. */
  create(name: string, request: CreateRequest): Judged<CreateResult> | Promise<Judged<CreateResult>> {
    return after(this.#find(name), (existing) => {
      if (existing !== null) return existed(existing, request)
      return after(this.#forkOf(request), (fork) => this.#create(name, request, fork))
    })
  }

  /** Creates a stream of the server's own. It is readable at once, and committed when the promise settles. Throws as `create`. */
  createOwn(name: string, own: OwnStream): { stream: LiveStream; kept: void | Promise<unknown> } {
    const request = { ...own, expiresAt: null, data: null, close: false, fork: null }
    const known = this.#live.inMemory(name)
    const { kept } = known === null ? this.#create(name, request, null) : existed(known, request)
    const stream = known ?? this.#live.inMemory(name)
    if (stream === null) throw new Error(`The stream ${name} is gone as soon as it was made.`)
    return { stream, kept: kept instanceof Promise ? kept : undefined }
  }

  #create(name: string, request: CreateRequest, fork: Fork | null): Judged<CreateResult> {
    const chunks = [fork?.plan.prefix ?? null, request.data].filter((data) => data !== null)
    this.#storage.admit(bytesOf(chunks))
    const id = this.#storage.nextId()
    const source = fork === null ? null : { record: fork.source.record, plan: fork.plan }
    const { record, changes } = newStream({ id, name, request, source, chunks, nowMs: steadyNowMs() })
    const stream = new LiveStream(record, false)
    this.#live.add(stream)
    const created = (): CreateResult => {
      stream.isVisible = true
      this.#commits.show(stream, record.tail, record.isClosed)
      this.#onCreated(stream)
      return { isNew: true, stream }
    }
    return { kept: this.#commits.write(stream, changes, created, fork === null ? [] : [fork.source]) }
  }

  /** What a fork comes from, and what it takes along; null: it is none. */
  #forkOf({ fork, contentType }: CreateRequest): Fork | null | Promise<Fork | null> {
    if (fork === null) return null
    return after(this.#find(fork.from), (source) => {
      if (source === null) throw sourceUnknown()
      const plan = forkOf(fork, source.record, contentType, (position, through) =>
        this.#pages.chunkAfter(source, position, through),
      )
      if (!(plan instanceof Promise)) return { source, plan }
      source.hold()
      return plan
        .then((late) => {
          // It may have been deleted while its chunk was read.
          if (source.isGone) throw sourceUnknown()
          return { source, plan: late }
        })
        .finally(() => source.release())
    })
  }
}

/** A name that is taken is fine when the same is asked for again; what made it may still be on its way to the storage. */
function existed(stream: LiveStream, request: CreateRequest): Judged<CreateResult> {
  checkSameStream(stream.record, request)
  return { kept: stream.afterWrites(() => ({ isNew: false, stream })) }
}
