/** The process of an attacker: attacks one port with one attack of the catalogue until it is told to stop, then reports what it got. */
import { Tally } from './attack.ts'
import { attacks } from './catalogue.ts'

const [name, port, intensity] = process.argv.slice(2)
const attack = attacks.find((one) => one.name === name)
if (attack === undefined) throw new Error(`there is no attack '${name}'`)

const tally = new Tally()
const stop = new AbortController()
process.on('message', () => stop.abort())
process.on('disconnect', () => process.exit())
await attack.run({ port: Number(port), intensity: Number(intensity) }, tally, stop.signal)
process.send?.({ sent: tally.sent, answers: tally.answers }, () => process.exit())
