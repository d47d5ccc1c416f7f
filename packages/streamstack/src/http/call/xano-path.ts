/** The canonical name of an API group, and a branch; the server has neither, so that any will do. */
const XANO_PATH = /^\/api:[^/:]+(?::[^/:]+)?(\/.+)$/

/** The paths of endpoints that `/api:<canonical>[:<branch>]/<name>` can mean, the likelier first; empty for any other path. */
export function pathsBehind(path: string): readonly string[] {
  const name = XANO_PATH.exec(path)?.[1]
  return name === undefined ? [] : [name, `/api${name}`]
}
