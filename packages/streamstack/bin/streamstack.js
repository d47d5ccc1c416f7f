#!/usr/bin/env node
// Plain JavaScript for any Node.js, so that an old one gets a message and no syntax error.
import { setFlagsFromString } from 'node:v8'
import { oldNodeMessage } from './old-node.js'

const message = oldNodeMessage(process.argv.slice(1))
if (message !== null) {
  console.error(message)
  process.exit(1)
}
// Before there is any code of ours. docs/decisions/2026-11-23-what-collections-keep.md says why.
setFlagsFromString('--no-allocation-site-pretenuring')
// The first thousands of calls are compiled sooner: docs/decisions/2026-12-01-first-calls.md.
setFlagsFromString('--no-lazy-feedback-allocation')
setFlagsFromString('--invocation-count-for-turbofan=1500')
const { main } = await import('../dist/command/main.js')
await main(process.argv.slice(2))
