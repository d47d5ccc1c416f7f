import { type Attack, open, pace, repeat, requestText } from './attack.ts'

const out = (name: string, path: string, about: string): Attack => ({
  name,
  about: `\`v = [v, v]\` sixty times, then ${about}; 4 callers.`,
  run: (target, tally, signal) => repeat(target, tally, signal, { connections: 4, method: 'GET', path }),
})

/** A3: values without end on their way out. */
export const waysOut: readonly Attack[] = [
  out('bomb-log', '/log', 'as data of Log'),
  out('bomb-body', '/body', 'as body of a request'),
  out('bomb-column', '/column', 'as a JSON column'),
]

/** A4: calls that call themselves. */
export const selfCalls: readonly Attack[] = [
  {
    name: 'self-call',
    about: 'An endpoint that calls itself four times through `outbound.allow: [self]`, one call a second.',
    async run({ port, intensity }, tally, signal) {
      await pace(Math.max(1, intensity), signal, () => {
        tally.sent++
        const socket = open(port, tally)
        socket.once('data', (data) => {
          tally.count(data.toString('latin1', 9, 12))
          socket.destroy()
        })
        socket.write(requestText('GET', '/self'))
      })
    },
  },
]
