#!/usr/bin/env node
// Plain JavaScript for any Node.js, so that an old one gets a message and no syntax error.
const [major] = process.versions.node.split('.').map(Number)
if (major < 24) {
  console.error(
    `Streamstack needs Node.js 24 or newer; this is ${process.versions.node}. Get it from https://nodejs.org.`,
  )
  process.exit(1)
}
const { main } = await import('../dist/command/main.js')
await main(process.argv.slice(2))
