// The door for `import`: plain JavaScript, so that an old Node.js gets a message instead of the first thing that it lacks.
import { oldNodeMessage } from './bin/old-node.js'

const message = oldNodeMessage(process.argv.slice(1))
if (message !== null) throw new Error(message)

export const { StreamstackError, WorkspaceError, serve } = await import('./dist/index.js')
