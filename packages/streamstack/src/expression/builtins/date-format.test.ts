import { afterEach, describe, expect, it, vi } from 'vitest'
import { formatDate } from './date-format.ts'

const AT = Date.UTC(2024, 6, 1, 23, 30, 5)
const PATTERN = 'YYYY-MM-DD HH:mm:ss Z'

afterEach(() => vi.restoreAllMocks())

describe('the time zone of a date', () => {
  it.each([
    ['+01:00', '2024-07-02 00:30:05 +01:00'],
    ['+0530', '2024-07-02 05:00:05 +05:30'],
    ['-08', '2024-07-01 15:30:05 -08:00'],
    ['\u221203:30', '2024-07-01 20:00:05 -03:30'],
    ['+23:59', '2024-07-02 23:29:05 +23:59'],
  ])('may be the offset %s, which needs no formatter', (zone, text) => {
    const made = vi.spyOn(Intl, 'DateTimeFormat')
    expect(formatDate(AT, PATTERN, zone)).toBe(text)
    expect(made).not.toHaveBeenCalled()
  })

  it.each(['+24:00', '+1', '+01:60', 'GMT+1', 'Nowhere/Town', ''])('cannot be %j', (zone) => {
    expect(() => formatDate(AT, PATTERN, zone)).toThrow('time zone')
  })

  it('has one formatter, however its name is spelled and however many others there are', () => {
    const zones = Intl.supportedValuesOf('timeZone').slice(0, 100)
    const all = (): string[] => zones.map((zone) => formatDate(AT, PATTERN, zone))
    const first = all()
    const made = vi.spyOn(Intl, 'DateTimeFormat')
    expect(zones.map((zone) => formatDate(AT, PATTERN, zone.toUpperCase()))).toEqual(first)
    expect(all()).toEqual(first)
    expect(made).not.toHaveBeenCalled()
  })
})
