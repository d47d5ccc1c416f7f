export const CHANNELS_ROOT = '/v1/channels/'
export const PRESENCE_ROOT = '/v1/presence/'

/** Where clients of the open protocol read channels: they ask for pages first, of a stream that here never ends. */
export const CHANNEL_STREAMS_ROOT = '/v1/stream/channels/'
