/** The attacker's process: runs one attack of the catalogue against a port until a message stops it, then reports the answers. */
import { type AttackerReport, Tally } from './attack.ts'
import { attacks } from './catalogue.ts'

const [name, port, intensity] = process.argv.slice(2)
const attack = attacks.find((one) => one.name === name)
if (attack === undefined) throw new Error(`there is no attack '${name}'`)

const tally = new Tally()
const stop = new AbortController()
process.on('message', () => stop.abort())
process.on('disconnect', () => process.exit())
await attack.run({ port: Number(port), intensity: Number(intensity) }, tally, stop.signal)
const { sent, answers, lost, figures } = tally
process.send?.({ sent, answers, lost, figures } satisfies AttackerReport, () => process.exit())
