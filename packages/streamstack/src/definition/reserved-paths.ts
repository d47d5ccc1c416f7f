/** Paths of the server itself, each with all below it. Made from `http/routes.ts` by `npm run generate`: do not edit. */
export const reservedPaths: readonly string[] = [
  '/dashboards',
  '/elements',
  '/elements.js',
  '/healthz',
  '/metrics',
  '/readyz',
  '/v1/channels',
  '/v1/chat/completions',
  '/v1/conversation-export',
  '/v1/conversations',
  '/v1/models',
  '/v1/presence',
  '/v1/probe',
  '/v1/runs',
  '/v1/stream',
  '/v1/ws',
]
