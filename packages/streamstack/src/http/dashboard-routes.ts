import { StreamstackError } from '@streamstack/protocol'
import { didYouMean, didYouMeanOr } from '../text/did-you-mean.ts'
import { answerWhole } from './answer/answer-whole.ts'
import type { Exchange } from './exchange.ts'
import type { Operation } from './route.ts'
import { SECURITY_HEADERS } from './answer/security-headers.ts'

/** The page runs our scripts, talks to this server, and nothing else. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"

/** It is the same for all dashboards: its script asks for the one of its address, with the token of the visitor where one is needed. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Dashboard</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/elements/page.css">
<script src="/elements.js" defer></script>
<script src="/elements/dashboard-page.js" defer></script>
<body><main><stream-dashboard></stream-dashboard></main><noscript>This page needs JavaScript.</noscript></body>
</html>
`

export const showDashboard: Operation = {
  summary: 'A dashboard of the workspace: a page for browsers, its description as JSON for all others.',
  answers: 'whole',
  handle(exchange) {
    const { request, response } = exchange
    response.setHeader('Vary', 'Accept')
    if (!wantsPage(request.headers.accept)) return answerDescription(exchange)
    // Which dashboards there are is for callers to know that may read them: the page is the same for any name.
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'Content-Security-Policy': PAGE_POLICY,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(PAGE),
      'Cache-Control': 'no-store',
    })
    response.end(request.method === 'HEAD' ? undefined : PAGE)
  },
}

function answerDescription(exchange: Exchange): void {
  const { engine, caller, parameters } = exchange
  const { dashboards } = engine.workspace
  const name = parameters['name'] ?? ''
  const found = dashboards.get(name)
  if (found?.isPublic !== true) {
    // Why the token was refused says more than that none was accepted.
    if (caller.fault !== null) throw caller.fault
    engine.access.permit(caller, ['system:read'])
  }
  if (found === undefined) {
    const near = didYouMean(name, dashboards.keys())
    const cure = didYouMeanOr(near, 'Put a file of that name into dashboards/.')
    throw new StreamstackError('endpoint_unknown', `There is no dashboard of this name. ${cure}`)
  }
  answerWhole(exchange, { body: JSON.stringify(found.description) })
}

/** A browser that goes to an address names HTML before all else; a script that wants the description does not name it. */
function wantsPage(accept: string | undefined): boolean {
  return accept !== undefined && /\btext\/html\b/.test(accept)
}
