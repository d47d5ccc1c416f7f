import { durationText } from '../base/numbers.ts'
import { MarkdownView } from '../text/markdown-view.ts'
import { linkElement, safeLink } from '../text/safe-link.ts'
import type { PartView } from './part-view.ts'
import type { Part } from './conversation.ts'
import { type ChatLabels, fill } from './labels.ts'
import { cut } from '../base/cut.ts'

/** Longer values of tools are cut where they are shown. */
const VALUE_CHARACTERS_MAX = 20_000

/** Puts what shows a part that is no text into the box of its message. */
export function partView({ type }: Part, box: Element, labels: ChatLabels): PartView {
  if (type === 'reasoning') return reasoningView(box, labels)
  if (type === 'tool') return toolView(box, labels)
  return type === 'source' ? sourceView(box, labels) : jsonView(box, labels)
}

function reasoningView(box: Element, labels: ChatLabels): PartView {
  const { fold, summary, body } = foldIn(box, 'reasoning')
  const text = document.createTextNode('')
  body.className = 'fold-text'
  body.dir = 'auto'
  body.append(text)
  return {
    update: (part) => {
      if (part.type !== 'reasoning') return
      text.appendData(part.text.slice(text.length))
      const { startedMs, endedMs } = part
      fold.classList.toggle('busy', endedMs === null)
      const words =
        endedMs === null
          ? labels.thinking
          : fill(labels.thought, { time: durationText(Math.max(100, endedMs - startedMs)) })
      if (summary.textContent !== words) summary.textContent = words
    },
    end: () => fold.classList.remove('busy'),
  }
}

function toolView(box: Element, labels: ChatLabels): PartView {
  const { fold, summary, body } = foldIn(box, 'tool')
  const sections = { input: valueIn(body, labels.input), output: valueIn(body, labels.output) }
  return {
    update: (part) => {
      if (part.type !== 'tool') return
      const { name, isDone, error, input, output } = part
      const { usingTool, usedTool, failedTool } = labels
      summary.textContent = fill(isDone ? (error === null ? usedTool : failedTool) : usingTool, { name })
      fold.classList.toggle('busy', !isDone)
      fold.classList.toggle('failed', error !== null)
      sections.input(input)
      sections.output(isDone ? (error ?? output) : undefined)
    },
    end: () => fold.classList.remove('busy'),
  }
}

/** A named value in a fold; it is hidden while there is none. */
function valueIn(body: HTMLElement, name: string): (value: unknown) => void {
  const head = document.createElement('div')
  head.className = 'tiny'
  head.textContent = name
  const pre = document.createElement('pre')
  pre.tabIndex = 0
  pre.dir = 'ltr'
  body.append(head, pre)
  return (value) => {
    head.hidden = pre.hidden = value === undefined || value === null
    pre.textContent = prettyText(value)
  }
}

function jsonView(box: Element, labels: ChatLabels): PartView {
  const view = new MarkdownView(labels)
  place(box, view.element)
  let isShown = false
  return {
    update(part) {
      if (part.type === 'json' && !isShown) view.write(`\`\`\`json\n${prettyText(part.value)}\n\`\`\`\n`)
      isShown = true
    },
    end() {},
  }
}

function sourceView(box: Element, labels: ChatLabels): PartView {
  const list = box.querySelector('.sources ol') ?? sourceList(box, labels)
  const row = document.createElement('li')
  list.append(row)
  return {
    update(part) {
      if (part.type !== 'source') return
      const address = safeLink(part.url)
      const node = address === null ? document.createElement('span') : linkElement(address)
      node.textContent = part.title
      node.dir = 'auto'
      row.replaceChildren(node)
    },
    end() {},
  }
}

function sourceList(box: Element, labels: ChatLabels): Element {
  const sources = document.createElement('div')
  sources.className = 'sources'
  const head = document.createElement('div')
  head.className = 'tiny'
  head.textContent = labels.sources
  const list = document.createElement('ol')
  sources.append(head, list)
  box.append(sources)
  return list
}

/** Sources stay last. */
function place(box: Element, node: Element): void {
  box.insertBefore(node, box.querySelector('.sources'))
}

function foldIn(
  box: Element,
  className: string,
): { fold: HTMLDetailsElement; summary: HTMLElement; body: HTMLElement } {
  const fold = document.createElement('details')
  fold.className = `fold ${className}`
  const summary = document.createElement('summary')
  const body = document.createElement('div')
  fold.append(summary, body)
  place(box, fold)
  return { fold, summary, body }
}

function prettyText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')
  return text.length > VALUE_CHARACTERS_MAX ? `${cut(text, VALUE_CHARACTERS_MAX)}…` : text
}
