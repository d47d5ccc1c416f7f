import { isLoopback } from './local.ts'

/** Returns the fault of an entry of `server.hosts` and its cure; null if the entry is valid. */
export function hostEntryFault(entry: string): string | null {
  if (/^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i.test(entry)) return null
  const example = 'Write it as api.example.com, *.example.com or api.example.com:8443.'
  if (entry === '*') return `A list that accepts every host protects nothing: leave it out. ${example}`
  if (entry.includes('/')) return `A host has no scheme and no path. ${example}`
  return `This is not a host name. ${example}`
}

/** Whether a Host may be one at all: what else is in it would be taken for another part of a URL. */
export function isWellFormedHost(host: string): boolean {
  return /^([^\s/\\@?#:[\]]*|\[[0-9a-f:.]+\])(:\d{0,5})?$/i.test(host)
}

/** Whether `server.hosts` names the Host of a request: an entry without a port stands for every port. */
export function isHostListed(hosts: readonly string[], host: string): boolean {
  const asked = splitHost(host)
  return hosts.some((entry) => {
    const listed = splitHost(entry)
    if (listed.port !== '' && listed.port !== asked.port) return false
    if (!listed.name.startsWith('*.')) return listed.name === asked.name
    return asked.name.length > listed.name.length - 1 && asked.name.endsWith(listed.name.slice(1))
  })
}

/** Whether the Host of a request names this machine and nothing else, so that no foreign DNS can have led there. */
export function isLoopbackHost(host: string): boolean {
  return isLoopback(splitHost(host).name)
}

function splitHost(host: string): { name: string; port: string } {
  const [, name = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(host.toLowerCase()) ?? []
  // A name may end with the root's dot (RFC 1034 §3.1).
  return { name: name.replace(/\.$/, ''), port }
}
