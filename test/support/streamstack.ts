/** The command line from its sources, as a program: `node --conditions=streamstack-source streamstack.ts serve …`. */
import { main } from 'streamstack/command'

await main(process.argv.slice(2))
