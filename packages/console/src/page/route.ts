import type { Endpoint } from '../api.ts'

/** The page that the fragment of the URL names. */
export type Route =
  /** `at`: the id of the card to show; null: the top. */
  | { readonly page: 'home'; readonly at: string | null }
  | { readonly page: 'run'; readonly method: string; readonly path: string; readonly runsNow: boolean }
  | { readonly page: 'runs'; readonly run: string | null }
  | { readonly page: 'dashboard' }
  | { readonly page: 'functions' }
  | { readonly page: 'reference' }

export function endpointHash({ method, path }: Pick<Endpoint, 'method' | 'path'>): string {
  return `#/run/${method}${path.split('/').map(encodeURIComponent).join('/')}`
}

export function routeOf(hash: string): Route {
  const [way = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [page = '', ...rest] = way.split('/').map(decoded)
  if (page === 'run' && rest.length > 0)
    return { page: 'run', method: rest[0] ?? 'GET', path: `/${rest.slice(1).join('/')}`, runsNow: query === 'run' }
  if (page === 'runs') return { page: 'runs', run: rest[0] ?? null }
  if (page === 'dashboard' || page === 'functions' || page === 'reference') return { page }
  return { page: 'home', at: page === 'table' || page === 'channel' ? `${page}-${rest[0] ?? ''}` : null }
}

/** Text that is not percent-encoded stays as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
