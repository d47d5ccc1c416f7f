import { pick, valueText } from '../base/pick.ts'
import type { Item } from '../source/source.ts'
import { type ChatMessage, type Part, addPart, addText } from './conversation.ts'

/**
 * Adds what arrived to a message and returns the part that changed; null: nothing that is shown. `path` says where the text is in a chunk of JSON. A `replace` empties
 * the message first and returns `replaced`.
 */
export function addItem(message: ChatMessage, item: Item, path: string): Part | 'replaced' | null {
  const { kind, content } = item
  switch (kind) {
    case 'text':
      return addText(message, String(content))
    case 'reasoning':
      return addReasoning(message, String(content))
    case 'json': {
      if (path !== '') return addText(message, valueText(pick(content, path)))
      return addPart(message, { type: 'json', value: content })
    }
    case 'tool_call':
      return addTool(message, content)
    case 'tool_result':
      return endTool(message, content)
    case 'source': {
      const url = valueText(pick(content, 'url'))
      return addPart(message, { type: 'source', url, title: valueText(pick(content, 'title')) || url })
    }
    case 'replace': {
      message.parts.length = 0
      const text = pick(content, 'text') ?? pick(content, 'content') ?? content
      addText(message, valueText(text))
      return 'replaced'
    }
    default:
      return null
  }
}

function addReasoning(message: ChatMessage, text: string): Part {
  const last = message.parts.at(-1)
  if (last?.type !== 'reasoning')
    return addPart(message, { type: 'reasoning', text, startedMs: Date.now(), endedMs: null })
  last.text += text
  return last
}

/** The first of several spellings; providers differ. */
function field(content: unknown, ...paths: readonly string[]): unknown {
  for (const path of paths) {
    const found = pick(content, path)
    if (found !== undefined) return found
  }
  return undefined
}

function addTool(message: ChatMessage, content: unknown): Part {
  return addPart(message, {
    type: 'tool',
    id: valueText(field(content, 'id', 'call_id', 'tool_call_id', 'toolCallId')),
    name: valueText(field(content, 'name', 'tool', 'tool_name', 'toolName', 'function.name')) || 'tool',
    input: field(content, 'input', 'arguments', 'args', 'function.arguments') ?? null,
    output: null,
    error: null,
    isDone: false,
  })
}

function endTool(message: ChatMessage, content: unknown): Part | null {
  const id = valueText(field(content, 'id', 'call_id', 'tool_call_id', 'toolCallId'))
  const tools = message.parts.filter((part) => part.type === 'tool')
  const tool = tools.find((part) => part.id === id && !part.isDone) ?? tools.findLast((part) => !part.isDone)
  if (tool === undefined) return null
  const error = field(content, 'error')
  tool.isDone = true
  tool.output = field(content, 'output', 'result', 'content') ?? null
  tool.error = error === undefined || error === null ? null : valueText(pick(error, 'message') ?? error)
  return tool
}
