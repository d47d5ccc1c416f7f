import type { z } from 'zod'
import { byteSize, duration, flag, wholeNumber } from './setting-types.ts'

/** `channels`: bounds of all channels together, and how they are read. */
export const channelsShape = {
  max_open: wholeNumber(1, 1_000_000)
    .prefault(100_000)
    .describe(
      'Maximum number of channels in memory. At the bound, channels without readers are evicted; if all have readers, further ones get 503. One caller may use half.',
    ),
  memory_bytes: byteSize
    .prefault('256mb')
    .describe(
      'Memory for the messages of all channels together. At the bound, channels without readers are evicted with their messages in memory; if all have readers, publishers get 507. The channels of one caller may hold half.',
    ),
  presence_grace: duration(0)
    .prefault('5s')
    .describe(
      'How long a member stays present after its last connection closes; reconnecting within this time does not count as leaving.',
    ),
  token_in_url: flag
    .prefault(false)
    .describe(
      'Whether `?access_token=` is read for GET of channels and presence, for EventSource, which can send no header. URLs end up in logs: only with tokens that expire soon.',
    ),
}

/** `channels` as the program uses it. */
export interface ChannelsSettings {
  readonly maxOpen: number
  readonly memoryBytes: number
  readonly presenceGraceMs: number
  readonly tokenInUrl: boolean
}

/** Returns the checked section in the shape that the program uses. */
export function channelsSettings(channels: z.output<z.ZodObject<typeof channelsShape>>): ChannelsSettings {
  return {
    maxOpen: channels.max_open,
    memoryBytes: channels.memory_bytes,
    presenceGraceMs: channels.presence_grace,
    tokenInUrl: channels.token_in_url,
  }
}
