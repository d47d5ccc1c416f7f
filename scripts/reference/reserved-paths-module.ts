/** `definition/reserved-paths.ts`: definitions are read before there is a server, so they cannot look at its routes. */
export function reservedPathsModule(paths: readonly string[]): string {
  return `/** Paths of the server itself, each with all below it. Made from \`http/routes.ts\` by \`npm run generate\`: do not edit. */
export const reservedPaths: readonly string[] = [
${paths.map((path) => `  '${path}',`).join('\n')}
]
`
}
