import { type ChannelDeclaration, isForAnybody } from '../channel/index.ts'
import { shellQuoted } from './shell-quoted.ts'

/** Command lines for the first channel that every caller may publish to, and the first that every caller may read; the same channel if one allows both. */
export function channelLines(channels: readonly ChannelDeclaration[], url: string): readonly string[] {
  const open = {
    publish: channels.filter(({ publish }) => isForAnybody(publish)),
    subscribe: channels.filter(({ subscribe }) => isForAnybody(subscribe)),
  }
  const both = open.publish.find((channel) => open.subscribe.includes(channel))
  const published = both ?? open.publish[0]
  const read = both ?? open.subscribe[0]
  const lines: string[] = []
  if (published !== undefined) {
    const body = shellQuoted(JSON.stringify({ content: 'Hello, channel!' }))
    lines.push(`curl -X POST ${addressOf(published, url)} -H 'Content-Type: application/json' -d ${body}`)
  }
  if (read !== undefined) lines.push(`curl -N ${addressOf(read, url)}`)
  return lines
}

/** Where a channel of that pattern is; its parameters have a value that says what they are. */
function addressOf({ pattern }: ChannelDeclaration, url: string): string {
  const name = pattern.segments.map((segment) => (segment.kind === 'text' ? segment.text : `${segment.name}-1`))
  return shellQuoted(`${url}/v1/channels/${name.map((segment) => encodeURIComponent(segment)).join('/')}`)
}
