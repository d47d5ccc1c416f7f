import { type Command, InvalidArgumentError } from 'commander'
import { parseDurationMs } from '../definition/index.ts'
import { type DoctorOptions, type Finding, diagnose } from '../doctor/index.ts'
import { findingLines, reportOf, summaryLine } from './doctor-report.ts'
import { CommandFailure } from './failure.ts'
import { type CommandIo, colorsOf } from './io.ts'

interface Options {
  long?: true | string
  origin?: string
  header: Readonly<Record<string, string>>
  interval: number
  insecure?: true
  json?: true
}

/** Longer than the idle timeouts that products come with. */
const SILENCE_MS = 130_000
const SILENCE_MS_MAX = 600_000
const INTERVAL_MS_MAX = 2_000

/** `doctor`: what stands between a server and its clients does to streams, and the cure. */
export function addDoctor(program: Command, io: CommandIo): void {
  program
    .command('doctor')
    .description('Find out whether anything before a server buffers, compresses, rewrites or cuts its streams.')
    .argument('<url>', 'where clients reach the server: https://api.example.com')
    .option('--long [duration]', 'also be silent for so long, to find idle timeouts (default: 130s)')
    .option('--origin <origin>', 'also try what pages of https://app.example may do (CORS)', originOf)
    .option('--header <name: value>', 'send this with every request; repeatable', withHeader, {})
    .option('--interval <ms>', 'pause between two events, 10 to 2000', intervalOf, 200)
    .option('--insecure', 'take a certificate that cannot be trusted, and examine the rest')
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      '\nAsks the server for /v1/probe, which runs nothing. Exit code 1 when something is a problem, 0 with warnings only.\nSettings for nginx, Caddy, Traefik, HAProxy, Apache and Cloudflare: docs/proxies.md.',
    )
    .action((url: string, options: Options) => doctor(io, url, options))
}

async function doctor(io: CommandIo, url: string, options: Options): Promise<void> {
  const base = addressOf(url)
  const { signal } = io
  const asked: DoctorOptions = {
    headers: options.header,
    intervalMs: options.interval,
    origin: options.origin ?? null,
    silenceMs: silenceOf(options.long),
    insecure: options.insecure === true,
  }
  const colors = colorsOf(io.stdout, io.env)
  const findings: Finding[] = []
  try {
    const proxies = await diagnose(base, asked, signal, {
      told: (finding) => {
        findings.push(finding)
        if (options.json === true) return
        for (const line of findingLines(finding, colors)) io.stdout.write(`${line}\n`)
      },
      waits: (text) => {
        if (options.json !== true) io.stdout.write(`${colors.dim(text)}\n`)
      },
    })
    if (findings.some(({ verdict }) => verdict === 'problem')) io.setExitCode(1)
    if (options.json === true) {
      io.stdout.write(`${JSON.stringify(reportOf(base, proxies, findings), null, 2)}\n`)
    } else io.stdout.write(`${summaryLine(base, proxies, findings, colors)}\n`)
  } catch (thrown) {
    if (signal.aborted) throw new CommandFailure('Stopped.', { cause: thrown })
    throw thrown
  }
}

/** The address as it was meant: `api.example.com` is one, too. */
function addressOf(text: string): URL {
  const isLocal = /^(?:localhost|127\.|\[::1\])/.test(text)
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${isLocal ? 'http' : 'https'}://${text}`
  const url = URL.canParse(full) ? new URL(full) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CommandFailure('The address must be one such as https://api.example.com.')
  }
  if (url.username !== '' || url.password !== '') {
    throw new CommandFailure(
      'Leave name and password out of the address; send them with --header "Authorization: Basic …".',
    )
  }
  url.search = ''
  url.hash = ''
  return url
}

function silenceOf(long: true | string | undefined): number | null {
  if (long === undefined) return null
  if (long === true) return SILENCE_MS
  const milliseconds = /^\d+$/.test(long) ? Number(long) * 1_000 : parseDurationMs(long)
  if (milliseconds !== null && milliseconds > 0 && milliseconds <= SILENCE_MS_MAX) return Math.round(milliseconds)
  throw new CommandFailure(`--long must be a duration of at most 10m, such as 70s or 5m; it is '${long}'.`)
}

function intervalOf(text: string): number {
  const interval = Number(text)
  if (/^\d+$/.test(text) && interval >= 10 && interval <= INTERVAL_MS_MAX) return interval
  throw new InvalidArgumentError('It must be a whole number of milliseconds from 10 to 2000.')
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && /^https?:$/.test(url.protocol) && url.origin === text.toLowerCase()) return url.origin
  throw new InvalidArgumentError(
    'It must be an origin such as https://app.example, without a path or a slash at its end.',
  )
}

function withHeader(text: string, before: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const match = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([^\r\n\0]*)$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) {
    // Not repeated: it may hold a secret.
    throw new CommandFailure('--header must be "Name: value", such as "Authorization: Bearer …".')
  }
  return { ...before, [match[1]]: match[2] }
}
