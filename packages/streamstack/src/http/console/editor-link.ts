import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StreamstackError } from '@streamstack/protocol'
import type { Engine } from '../../engine/index.ts'
import { cutText } from '../../text/cut-text.ts'
import type { Operation } from '../route.ts'

/**
 * Leads to a file of the workspace in the user's editor. Only the Location of the answer holds the path on disk, and no script can read that of a redirect. `streamstack
 * dev` alone answers: there the editor and the server are on one machine.
 */
export const openInEditor: Operation = {
  summary: 'Redirects to a file of the workspace in VS Code, in `streamstack dev`.',
  answers: 'whole',
  handle({ engine, inputs, response, corsHeaders }) {
    if (engine.mode !== 'dev') {
      throw new StreamstackError('endpoint_unknown', 'Files are opened in an editor by `streamstack dev` only.')
    }
    const file = inputs['file'] as string
    if (!workspaceFiles(engine).has(file)) {
      throw new StreamstackError('input_invalid', `file: The workspace has no file "${cutText(file, 200)}".`)
    }
    const { pathname } = pathToFileURL(join(engine.dir, file))
    const location = `vscode://file${pathname}:${Number(inputs['line'])}:${Number(inputs['column'])}`
    response.writeHead(302, {
      ...corsHeaders,
      Location: location,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'Content-Length': 0,
    })
    response.end()
  },
}

/** Every file that the description of the workspace names. */
function workspaceFiles({ workspace, records }: Engine): ReadonlySet<string> {
  return new Set([
    'streamstack.yaml',
    ...[...workspace.plans.values()].map(({ endpoint }) => endpoint.file),
    ...[...workspace.functionFiles.values()].map(({ file }) => file),
    ...workspace.channels.channels.map(({ file }) => file),
    ...records.tables().map(({ position }) => position.file),
    ...workspace.issues.map(({ position }) => position.file),
  ])
}
