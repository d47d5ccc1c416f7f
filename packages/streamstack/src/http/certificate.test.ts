import { copyFile, mkdir, symlink, rename, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TempWorkspace, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { Engine } from '../engine/index.ts'
import { type StreamstackServer, startServer } from './index.ts'

const fixture = (name: string): string => join(import.meta.dirname, '../../../../test/fixtures/tls', name)

let workspace: TempWorkspace
let engine: Engine
let server: StreamstackServer
let log: string[]

/** A server whose certificate stands behind a link, as certbot and Kubernetes put it. */
async function serve(more: object = {}): Promise<void> {
  workspace = await tempWorkspace({
    'streamstack.yaml': {
      server: { hosts: ['localhost'], tls: { cert: 'live/cert.pem', key: 'live/key.pem', ...more } },
    },
    'endpoints/a.json': endpoint('/a', [send('a')]),
  })
  await put('first', 'cert.pem', 'key.pem')
  await symlink('first', join(workspace.dir, 'live'))
  log = []
  const note = (_fields: object, message: string): void => void log.push(message)
  engine = await Engine.open({
    dir: workspace.dir,
    log: { debug: note, info: note, warn: note, error: note },
    dataFolder: join(workspace.dir, 'data'),
  })
  server = await startServer({ engine, host: '127.0.0.1', port: 0, certificatePollMs: 20 })
}

async function put(folder: string, cert: string, key: string): Promise<void> {
  await mkdir(join(workspace.dir, folder), { recursive: true })
  await copyFile(fixture(cert), join(workspace.dir, folder, 'cert.pem'))
  await copyFile(fixture(key), join(workspace.dir, folder, 'key.pem'))
}

async function lead(to: string): Promise<void> {
  await symlink(to, join(workspace.dir, 'next'))
  await rename(join(workspace.dir, 'next'), join(workspace.dir, 'live'))
}

/** Common name of the certificate that a new connection gets. */
function served(): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(server.url)
    const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

afterEach(async () => {
  await server.close()
  await engine.close()
  await workspace[Symbol.asyncDispose]()
})

describe('a certificate that is renewed', () => {
  beforeEach(() => serve())

  test('is used for new connections, without a restart', async () => {
    const before = await served()
    expect(before).not.toBe('renewed')
    await put('second', 'cert-renewed.pem', 'key-renewed.pem')
    await lead('second')
    await expect.poll(served).toBe('renewed')
    expect(log).toContain('the certificate was read again')
  })

  test('and cannot be used leaves the one before', async () => {
    const before = await served()
    await put('second', 'cert-renewed.pem', 'key.pem')
    await lead('second')
    await expect.poll(() => log).toContain('a renewed certificate cannot be used; the one before is')
    expect(await served()).toBe(before)
    await writeFile(join(workspace.dir, 'second/cert.pem'), 'none')
    await put('third', 'cert-renewed.pem', 'key-renewed.pem')
    await lead('third')
    await expect.poll(served).toBe('renewed')
  })
})

test('plain HTTP is sent on to HTTPS, and to no other host', async () => {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  await serve({ redirect_port: port })
  const ask = (host: string, path: string): Promise<[number | undefined, string | undefined]> =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, method: 'POST', headers: { host } }, (response) => {
        response.resume()
        resolve([response.statusCode, response.headers.location])
      })
        .on('error', reject)
        .end()
    })
  const securePort = new URL(server.url).port
  expect(await ask('localhost', '/a?b=1')).toEqual([308, `https://localhost:${securePort}/a?b=1`])
  expect(await ask('localhost:80', '//evil.example/')).toEqual([308, `https://localhost:${securePort}//evil.example/`])
  expect(await ask('evil.example', '/a')).toEqual([421, undefined])
})
