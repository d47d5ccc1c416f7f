import { expect } from 'vitest'
import { call } from './http-client.ts'

/** Settles when a run sends no more: everything between it and a reader that takes nothing is full. */
export async function standingRun(url: string, run: string): Promise<void> {
  let before: unknown = null
  await expect
    .poll(async () => {
      const { offset } = JSON.parse((await call(url, `/v1/runs/${run}`)).text) as { offset: unknown }
      const isSame = offset === before
      before = offset
      return isSame
    })
    .toBe(true)
}
