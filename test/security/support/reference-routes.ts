import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ReferenceRoute {
  readonly method: string
  /** As `/v1/runs/{id}`. */
  readonly path: string
}

/** The routes of the server, as the generated reference lists them. */
export const referenceRoutes: readonly ReferenceRoute[] = [
  ...readFileSync(join(import.meta.dirname, '../../../docs/reference/http.md'), 'utf8').matchAll(
    /^\| \[([A-Z]+)\]\(\S+\) \| `(\S+)` \|/gm,
  ),
].map(([, method = '', path = '']) => ({ method, path }))

/** A path with something in the place of each parameter. */
export function filledPath(path: string): string {
  return path.replaceAll(/\{\w+(?:\.\.\.)?\}/g, 'x')
}
