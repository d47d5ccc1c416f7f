import { cors } from './checks/cors.ts'
import { flow } from './checks/flow.ts'
import { requestHeaders, responseHeaders } from './checks/headers.ts'
import { leaving } from './checks/leaving.ts'
import { reach } from './checks/reach.ts'
import { silence } from './checks/silence.ts'
import { webSocket } from './checks/web-socket.ts'
import type { DoctorOptions } from './examination.ts'
import type { Finding } from './finding.ts'
import type { Proxy } from './proxy.ts'
import { inTime } from './words.ts'

/** Listens to the progress of an examination. */
export interface Listener {
  told(finding: Finding): void
  /** Something takes longer. */
  waits(text: string): void
}

/** Makes all checks, one after the other: they would disturb each other's clocks. Gives what was recognised on the way. */
export async function diagnose(
  base: URL,
  options: DoctorOptions,
  signal: AbortSignal,
  listener: Listener,
): Promise<readonly Proxy[]> {
  const tell = (findings: readonly Finding[]): void => {
    for (const finding of findings) listener.told(finding)
  }
  const { findings, sight, proxies } = await reach(base, options, signal)
  tell(findings)
  if (sight === null) return proxies
  const { examination, seen } = sight
  try {
    const streamed = await flow(examination)
    tell(streamed.findings)
    if (streamed.reading === null) return examination.proxies
    tell(responseHeaders(examination, streamed.reading))
    tell(await requestHeaders(examination))
    tell([await leaving(examination, seen)])
    if (options.origin !== null) tell(await cors(examination, options.origin))
    tell([await webSocket(examination)])
    if (options.silenceMs !== null) {
      listener.waits(`… silent for ${inTime(options.silenceMs)}`)
      tell(await silence(examination, seen, options.silenceMs))
    }
    return examination.proxies
  } finally {
    examination.connection.close()
  }
}
