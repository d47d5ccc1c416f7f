import type { Workspace } from '../api.ts'
import type { Command } from './command-palette.ts'
import { endpointHash } from './route.ts'
import { turnTheme } from './theme.ts'

/** All that can be opened or done by name. */
export function commandsOf({ endpoints, channels, tables, functions }: Workspace): Command[] {
  const open = (hash: string) => () => (location.hash = hash)
  return [
    ...endpoints.map((endpoint) => ({
      name: `${endpoint.method} ${endpoint.path}`,
      hint: endpoint.description ?? '',
      run: open(endpointHash(endpoint)),
    })),
    { name: 'Home', hint: 'endpoints, problems, channels, tables', run: open('#/') },
    { name: 'Dashboard', hint: 'the server, live', run: open('#/dashboard') },
    { name: 'Runs', hint: 'what was called; replay; open a file', run: open('#/runs') },
    { name: 'HTTP reference', hint: 'inputs, answers, errors', run: open('#/reference') },
    { name: 'Theme', hint: 'light or dark', run: turnTheme },
    ...endpoints.map((endpoint) => ({
      name: `Run ${endpoint.method} ${endpoint.path}`,
      hint: 'with what its form holds',
      run: open(`${endpointHash(endpoint)}?run`),
    })),
    ...channels.map(({ name, description }) => ({
      name,
      hint: description ?? 'channel',
      run: open(`#/channel/${encodeURIComponent(name)}`),
    })),
    ...tables.map(({ name }) => ({ name, hint: 'table', run: open(`#/table/${encodeURIComponent(name)}`) })),
    ...functions.map(({ name, summary }) => ({ name, hint: summary, run: open('#/functions') })),
  ]
}
