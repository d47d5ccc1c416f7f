import { measureGuardrails } from '../../packages/streamstack/src/content/testing/measure-guardrails.ts'

const BEGIN = '<!-- measured -->'
const END = '<!-- /measured -->'

/** The page with the measured table between its marks. */
export function withMeasuredGuardrails(page: string): string {
  const [before, rest = ''] = page.split(BEGIN)
  const after = rest.slice(rest.indexOf(END))
  return `${before}${BEGIN}\n${table()}${after}`
}

function table(): string {
  const measured = measureGuardrails()
  const rows = measured.map(
    ({ name, hits, falseAlarms }) =>
      `| ${name} | ${hits.caught} of ${hits.of} | ${hits.of - hits.caught} | ${falseAlarms.raised} of ${falseAlarms.of} |`,
  )
  const missed = measured.flatMap(({ name, hits }) => hits.missed.map((text) => `- ${name}: ${asCode(text)}`))
  const alarms = measured.flatMap(({ name, falseAlarms }) =>
    falseAlarms.texts.map((text) => `- ${name}: ${asCode(text)}`),
  )
  return [
    '| guardrail | caught | missed | false alarms |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'Missed:',
    '',
    ...missed,
    '',
    'False alarms:',
    '',
    ...alarms,
    '',
  ].join('\n')
}

function asCode(text: string): string {
  return `\`${text.replaceAll(/\s+/g, ' ').replaceAll('`', "'")}\``
}
