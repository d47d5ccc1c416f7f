import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Answers `Expect: 100-continue` (RFC 9110 §10.1.1) once the body is read, not before: a client whose request is refused by its head then sends no body.
 * Node by itself asks for the body of every such request.
 */
export function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  request.once('resume', () => {
    // After the answer Node reads away the rest.
    if (!response.headersSent) response.writeContinue()
  })
}
