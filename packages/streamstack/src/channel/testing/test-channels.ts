import { parseTree } from '../../definition/index.ts'
import type { Issue } from '../../definition/types.ts'
import type { StreamReader, StreamSource } from '../../stream/index.ts'
import { type StreamStore, openStreamStore, steadyNowMs } from '../../stream-store/index.ts'
import { ChannelTable } from '../channel-table.ts'
import { Channels } from '../channels.ts'
import type { ChannelSettings } from '../channels-options.ts'
import { readChannel } from '../declaration.ts'

/** Channels with a clock and a log of their own. */
export class TestChannels {
  /** Behind the clock of the store, which so finds nothing to be old. */
  nowMs = steadyNowMs() - 86_400_000
  readonly warnings: string[] = []
  /** What the metrics hear: declared names of messages that were published, codes of those that were refused. */
  readonly told: string[] = []
  evictions = 0
  readonly channels: Channels
  readonly #store: StreamStore

  constructor(files: Readonly<Record<string, string>>, settings: Partial<ChannelSettings> = {}, folder = '') {
    this.#store = openStreamStore({
      log: folder === '' ? 'memory' : 'sqlite',
      folder,
      memoryBytes: 1_000_000_000,
      maxAgeMs: null,
      maxBytes: null,
      onError: (error) => this.warnings.push(String(error)),
    })
    const note = (_: object, message: string): void => void this.warnings.push(message)
    this.channels = new Channels({
      settings: () => ({
        maxOpen: 1_000_000,
        memoryBytes: 1_000_000_000,
        windowBytes: 4_000_000,
        presenceGraceMs: 0,
        ...settings,
      }),
      store: () => this.#store,
      checksTokens: () => true,
      observer: {
        published: (declared) => void this.told.push(declared),
        evicted: () => void this.evictions++,
        refused: (code) => void this.told.push(code),
      },
      log: { warn: note, error: note },
      nowMs: () => this.nowMs,
    })
    this.channels.declare(declared(files).table)
  }

  async close(): Promise<void> {
    this.channels.close()
    await this.#store.close()
  }
}

/** What files of `channels/`, as YAML by name, declare. */
export function declared(
  files: Readonly<Record<string, string>>,
  previous: ChannelTable | null = null,
): { table: ChannelTable; issues: readonly Issue[] } {
  const issues: Issue[] = []
  const read = Object.entries(files).map(([name, text]) => {
    const file = `channels/${name}.yaml`
    const { tree } = parseTree(file, text)
    return { file, read: tree === null ? null : readChannel(file, tree) }
  })
  return { table: ChannelTable.of(read, previous, issues), issues }
}

/** Texts that a reader of a source gets now, after an offset or from its start. */
export async function textsOf(opened: StreamSource | Promise<StreamSource>, after?: number): Promise<string[]> {
  const source = await opened
  const found: string[] = []
  for (let at = after ?? source.begin ?? 0; ;) {
    const batch = await source.stream.log.read(at)
    if (batch === null) return found
    const chunks = batch.chunks.slice(batch.from, batch.to)
    for (const chunk of chunks) if (source.select?.(chunk) !== false) found.push(chunk.data)
    at = batch.offset + chunks.length - 1
  }
}

/** A reader that does nothing but be there. */
export function standing(source: StreamSource): StreamReader & { wakes: number } {
  const reader = {
    position: source.stream.lastOffset,
    wakes: 0,
    wake() {
      reader.wakes++
    },
  }
  source.attach(reader)
  return reader
}
