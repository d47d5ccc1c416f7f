import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ELEMENTS_BYTES_MAX, bundleElements, elementsFiles } from './elements-bundle.ts'

const weight = (text: string): number => gzipSync(text).byteLength

describe('the elements', () => {
  test('weigh what they may, Lit and the client included', async () => {
    const files = await elementsFiles()
    expect(weight(await bundleElements('stream-chat.ts', 'es'))).toBeLessThanOrEqual(ELEMENTS_BYTES_MAX.chat)
    expect(weight(files['elements.js'] ?? '')).toBeLessThanOrEqual(ELEMENTS_BYTES_MAX.all)
    expect(weight(files['elements/charts.js'] ?? '')).toBeLessThanOrEqual(ELEMENTS_BYTES_MAX.charts)
    // Charts come apart.
    expect(files['elements.js']?.includes('u-over')).toBe(false)
    expect(files['elements/charts.js']?.includes('u-over')).toBe(true)
  })

  test('hold nothing that a strict policy refuses, and nothing of the server', async () => {
    for (const [name, text] of Object.entries(await elementsFiles())) {
      expect(text, name).not.toMatch(/\beval\(|new Function|setAttribute\(.style|unsafeHTML/)
      expect(text, name).not.toContain('streamstack.yaml')
    }
  })
})
