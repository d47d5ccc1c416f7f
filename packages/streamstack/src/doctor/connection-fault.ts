/** Explains why no answer arrived, for readers who do not know the code of the error. */
export interface ConnectionFault {
  readonly seen: string
  readonly cure: string
}

const PLAIN_HTTP = ['What answers there speaks plain HTTP, and no TLS.', 'Use http:// in the address.'] as const

const tlsFaults: Readonly<Record<string, readonly [string, string]>> = {
  CERT_HAS_EXPIRED: ['The certificate has expired.', 'Renew it, and see to it that it is renewed by itself (ACME).'],
  CERT_NOT_YET_VALID: ['The certificate is not valid yet.', 'Compare the clocks of this machine and the server.'],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    'The certificate is signed by itself, so no browser takes it.',
    "Use one of a known authority (Let's Encrypt), or --insecure to examine the rest, or NODE_EXTRA_CA_CERTS=<file> for your own authority.",
  ],
  SELF_SIGNED_CERT_IN_CHAIN: [
    'The certificate comes from an authority that this machine does not know.',
    'Give its certificate with NODE_EXTRA_CA_CERTS=<file>, or --insecure to examine the rest.',
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'The chain of certificates is not complete: an intermediate one is missing.',
    'Serve the whole chain (fullchain.pem rather than cert.pem).',
  ],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    'The chain of certificates is not complete: an intermediate one is missing.',
    'Serve the whole chain (fullchain.pem rather than cert.pem).',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'The certificate is for another name.',
    'Get one for this name, or look whether DNS leads to the right machine.',
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: PLAIN_HTTP,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: PLAIN_HTTP,
  ERR_SSL_HTTP_REQUEST: PLAIN_HTTP,
  EPROTO: [
    'What answers there speaks no TLS that could be understood.',
    'Look at the port: it may be one for plain HTTP (http://).',
  ],
}

/** Puts an error of DNS, TCP or TLS into plain words. */
export function connectionFault(thrown: unknown, { hostname, port, protocol }: URL): ConnectionFault {
  const code = codeOf(thrown)
  const host = port === '' ? hostname : `${hostname}:${port}`
  const [seen, cure] = tlsFaults[code] ?? socketFault(code, hostname, host, protocol)
  return { seen, cure }
}

function socketFault(code: string, hostname: string, host: string, protocol: string): readonly [string, string] {
  switch (code) {
    case 'ENOTFOUND':
      return [
        `The name ${hostname} has no address.`,
        'Look at its spelling and at its A and AAAA records; new ones take a while.',
      ]
    case 'EAI_AGAIN':
      return ['The name server did not answer.', 'Look at the connection of this machine, and try again.']
    case 'ECONNREFUSED':
      return [
        `Nothing listens at ${host}.`,
        'Start the server or the proxy, look at the port, and at `server.host`: 127.0.0.1 is reached from its own machine alone.',
      ]
    case 'ETIMEDOUT':
      return [`${host} did not answer.`, 'A firewall may drop the packets: open the port for this machine.']
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return [
        `There is no way from here to ${host}.`,
        'Look at the address, the network and, for IPv6, the AAAA record.',
      ]
    case 'ECONNRESET':
    case 'EPIPE':
    case 'HPE_INVALID_CONSTANT':
    case 'HPE_INVALID_HEADER_TOKEN':
      return [
        `${host} closed the connection or answered with something that is no HTTP.`,
        protocol === 'http:'
          ? 'Look at the port: it may be one for TLS (https://).'
          : "Look at the port and at the proxy's log.",
      ]
    default:
      return [
        `${host} cannot be reached${code === '' ? '' : ` (${code})`}.`,
        "Look at the address, and at the proxy's log.",
      ]
  }
}

/** The first code: an attempt at several addresses throws one error for each. */
function codeOf(thrown: unknown): string {
  const errors: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown]
  const codes = errors.map((error) => (error as { code?: unknown } | null)?.code)
  return codes.find((code): code is string => typeof code === 'string') ?? ''
}
