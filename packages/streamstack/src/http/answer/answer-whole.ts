import type { Exchange } from '../exchange.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

/** An answer of the server's own API that is whole, and of now: no cache keeps it. */
export function answerWhole(
  { request, response, corsHeaders }: Pick<Exchange, 'request' | 'response' | 'corsHeaders'>,
  { status = 200, contentType = JSON_TYPE, body }: { status?: number; contentType?: string; body: string },
): void {
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...corsHeaders,
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
