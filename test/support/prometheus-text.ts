/** A family of metrics as a scraper reads it. */
export interface Family {
  readonly type: string
  readonly help: string
  /** Values by name and labels, `name{a="b"}` as it stands there. */
  readonly samples: Map<string, number>
}

const SAMPLE =
  /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (-?[\d.]+(?:e[+-]?\d+)?|[+-]Inf|NaN)$/

/** Reads the text format of Prometheus 0.0.4, strictly: what it does not know, throws. */
export function parsePrometheus(text: string): Map<string, Family> {
  const families = new Map<string, Family>()
  let help: { name: string; text: string } | null = null
  let current: { name: string; family: Family } | null = null
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  for (const line of text.split('\n')) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line)
    if (line === '') continue
    if (comment?.[1] === 'HELP') help = { name: comment[2] ?? '', text: comment[3] ?? '' }
    else if (comment !== null) {
      const name = comment[2] ?? ''
      if (help?.name !== name) throw new Error(`no HELP before ${line}`)
      if (families.has(name)) throw new Error(`twice: ${name}`)
      current = { name, family: { type: comment[3] ?? '', help: help.text, samples: new Map() } }
      families.set(name, current.family)
    } else {
      const sample = SAMPLE.exec(line)
      if (sample === null) throw new Error(`no sample: ${line}`)
      const [, name = '', labels = '', value] = sample
      const suffix = current === null || !name.startsWith(current.name) ? null : name.slice(current.name.length)
      const isRight =
        suffix === '' || (current?.family.type === 'histogram' && ['_bucket', '_sum', '_count'].includes(suffix ?? ''))
      if (current === null || !isRight) throw new Error(`not of the family above it: ${line}`)
      if (current.family.samples.has(name + labels)) throw new Error(`twice: ${name}${labels}`)
      current.family.samples.set(name + labels, Number(value?.replace('Inf', 'Infinity')))
    }
  }
  return families
}

/** The value of one sample, wherever it is; undefined: there is none. */
export function valueOf(families: ReadonlyMap<string, Family>, sample: string): number | undefined {
  for (const { samples } of families.values()) if (samples.has(sample)) return samples.get(sample)
  return undefined
}
