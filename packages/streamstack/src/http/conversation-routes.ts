import { StreamstackError, type Value } from '@streamstack/protocol'
import type { ConversationInfo, StoredMessage } from '../conversation/index.ts'
import { toValue } from '../conversation/index.ts'
import { bodyOf } from './call/call-endpoint.ts'
import { compileInputs } from '../input/index.ts'
import { answerWhole } from './answer/answer-whole.ts'
import type { Exchange } from './exchange.ts'
import type { Operation } from './route.ts'
import { conversationChange } from './route-inputs.ts'

/** Conversations, and messages, that an export holds at once. */
const EXPORT_PAGE = 50

/** `cursor`: time and key of the last conversation of the page before. */
export const listConversations: Operation = {
  summary: 'Lists the conversations of the caller, the one with the newest message first.',
  answers: 'whole',
  async handle(exchange) {
    const { engine, inputs, caller } = exchange
    const limit = Number(inputs['limit'])
    const before = readCursor(inputs['cursor'] ?? null)
    const { entries } = await engine.conversations.list(caller.subject ?? '', limit, before)
    const last = entries.at(-1)
    const next = entries.length < limit || last === undefined ? null : `${last.updatedAt}~${last.key}`
    answerWhole(exchange, { body: JSON.stringify({ conversations: entries.map(describe), next_cursor: next }) })
  },
}

export const showConversation: Operation = {
  summary: 'Reads a conversation of the caller: its messages after a position, oldest first.',
  answers: 'whole',
  async handle(exchange) {
    const { engine, inputs } = exchange
    const limit = Number(inputs['limit'])
    const { owner, id, info } = await conversationOf(exchange)
    const messages = await engine.conversations.messages(owner, id, Number(inputs['after']), limit)
    const last = messages.at(-1)
    const next = messages.length < limit || last === undefined ? null : last.position
    answerWhole(exchange, {
      body: JSON.stringify({ ...describe(info), messages: messages.map(describeMessage), next_after: next }),
    })
  },
}

export const renameConversation: Operation = {
  summary: 'Gives a conversation of the caller another title.',
  answers: 'whole',
  async handle(exchange) {
    const { engine } = exchange
    const { owner, id } = await conversationOf(exchange)
    const body = await bodyOf(exchange)
    const { title } = change.check({ path: {}, query: NO_QUERY, body })
    answerWhole(exchange, {
      body: JSON.stringify(describe(await engine.conversations.rename(owner, id, title as string))),
    })
  },
}

export const deleteConversation: Operation = {
  summary:
    'Deletes a conversation of the caller with its messages and the streams of the runs that they came from, and cancels the runs that go on in it; with `after`, only the messages after that position, also those that these runs would append.',
  answers: 'whole',
  async handle(exchange) {
    const { engine, inputs, response, corsHeaders } = exchange
    const { conversations, runs } = engine
    const after = inputs['after'] === undefined || inputs['after'] === null ? null : Number(inputs['after'])
    // A conversation whose first run goes on is not stored yet. To delete all of it is possible all the same.
    const isBegun = (one: string, named: string): boolean => !after && conversations.runsWith(one, named).length > 0
    const { owner, id, info } = await conversationOf(exchange, isBegun)
    const said = info === null ? [] : await conversations.runsOf(owner, id, after ?? 0)
    const goingOn =
      after === null || info === null
        ? await conversations.remove(owner, id)
        : await conversations.truncate(owner, id, after)
    runs.cancel(goingOn, after === null ? 'The conversation was deleted.' : 'The conversation was cut.')
    // Their streams hold the same text.
    await runs.forget(owner, [...said, ...goingOn])
    response.writeHead(204, { ...corsHeaders, 'Cache-Control': 'no-store' }).end()
  },
}

/** One line for each conversation, with all its messages. */
export const exportConversations: Operation = {
  summary: 'Sends all conversations of the caller with their messages, one a line (NDJSON).',
  answers: 'whole',
  async handle(exchange) {
    const { engine, request, response, corsHeaders, caller } = exchange
    response.writeHead(200, {
      ...corsHeaders,
      'Content-Type': 'application/x-ndjson; charset=utf-8',
      'Content-Disposition': 'attachment; filename="conversations.ndjson"',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    for await (const piece of exportedPieces(engine.conversations, caller.subject ?? '')) {
      if (response.destroyed) return
      if (!response.write(piece)) await drained(response)
    }
    response.end()
  },
}

const NO_QUERY = new URLSearchParams()
const change = compileInputs(conversationChange.body ?? [])

/** The lines of an export in pieces: a conversation may be larger than what is to be held at once. */
async function* exportedPieces(
  conversations: Exchange['engine']['conversations'],
  owner: string,
): AsyncGenerator<string> {
  for (let after = 0; ;) {
    const entries = await conversations.listByKey(owner, EXPORT_PAGE, after)
    for (const entry of entries) yield* exportedLine(conversations, owner, entry)
    const last = entries.at(-1)
    if (entries.length < EXPORT_PAGE || last === undefined) return
    after = last.key
  }
}

async function* exportedLine(
  conversations: Exchange['engine']['conversations'],
  owner: string,
  entry: ConversationInfo,
): AsyncGenerator<string> {
  yield `${JSON.stringify(describe(entry)).slice(0, -1)},"messages":[`
  for (let after = 0; ;) {
    const messages = await messagesOrNone(conversations.messages(owner, entry.id, after, EXPORT_PAGE))
    const text = messages.map((message) => JSON.stringify(describeMessage(message))).join()
    yield after > 0 && text !== '' ? `,${text}` : text
    const last = messages.at(-1)
    if (messages.length < EXPORT_PAGE || last === undefined) break
    after = last.position
  }
  yield ']}\n'
}

/** A conversation that is deleted while it is exported has no more messages. */
async function messagesOrNone(page: Promise<readonly StoredMessage[]>): Promise<readonly StoredMessage[]> {
  try {
    return await page
  } catch (error) {
    if (error instanceof StreamstackError && error.code === 'conversation_unknown') return []
    throw error
  }
}

function drained(response: Exchange['response']): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

/**
 * The conversation that the path names. A caller with a token may have talked to an endpoint that asks for none: such a conversation belongs to
 * those who know its id. `isBegun`: whether one that is not stored counts, whose `info` is null then.
 */
async function conversationOf(exchange: Exchange): Promise<{ owner: string; id: string; info: ConversationInfo }>
async function conversationOf(
  exchange: Exchange,
  isBegun: (owner: string, id: string) => boolean,
): Promise<{ owner: string; id: string; info: ConversationInfo | null }>
async function conversationOf(
  { engine, parameters, caller }: Exchange,
  isBegun?: (owner: string, id: string) => boolean,
): Promise<{ owner: string; id: string; info: ConversationInfo | null }> {
  if (caller.fault !== null) throw caller.fault
  const id = parameters['id'] ?? ''
  const { subject } = caller
  for (const owner of subject === null ? [''] : [subject, '']) {
    try {
      return { owner, id, info: await engine.conversations.get(owner, id) }
    } catch (error) {
      if (!(error instanceof StreamstackError) || !['conversation_unknown', 'input_invalid'].includes(error.code))
        throw error
      if (isBegun?.(owner, id) === true) return { owner, id, info: null }
    }
  }
  throw new StreamstackError('conversation_unknown', 'There is no such conversation of this caller.')
}

function readCursor(value: Value): { updatedAt: string; key: number } | null {
  if (typeof value !== 'string') return null
  const [updatedAt = '', key = ''] = value.split('~')
  return { updatedAt, key: Number(key) }
}

function describe({ id, title, createdAt, updatedAt }: ConversationInfo): object {
  return { id, title, created_at: createdAt, updated_at: updatedAt }
}

function describeMessage(message: StoredMessage): object {
  const { id, position, status, run, createdAt } = message
  return { id, position, ...toValue(message), status, run, created_at: createdAt }
}
