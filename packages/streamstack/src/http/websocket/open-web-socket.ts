import type { Operation } from '../route.ts'

export const openWebSocket: Operation = {
  summary: 'Opens a WebSocket: many streams, calls and publishes over one connection.',
  answers: 'upgrade',
  handle(exchange, { webSockets }) {
    // HTTP/2 has no such header (RFC 9113 §8.2.2).
    const { corsHeaders, request } = exchange
    const forRefusals = {
      'Sec-WebSocket-Version': '13',
      ...(request.httpVersionMajor === 1 && { Upgrade: 'websocket' }),
    }
    exchange.corsHeaders = { ...corsHeaders, ...forRefusals }
    webSockets.open(exchange)
  },
}
