import { html, nothing } from 'lit'
import { formatCount } from '../page/numbers.ts'
import type { RunModel } from './run-model.ts'
import { type StepRound, type Variables, roundsText } from './step-trace.ts'

/** Names that a loop sets. */
const LOOP_NAMES = new Set(['item', 'loop_index'])

export interface ChosenStep {
  readonly step: string
  /** The round that is shown; null: the newest. */
  readonly loop: readonly number[] | null
}

/** Finds a round of a step; null: it has none, or it is no longer kept. */
export function roundOf(model: RunModel | null, { step, loop }: ChosenStep): StepRound | null {
  const rounds = model?.trace.steps.get(step)?.rounds ?? []
  if (loop === null) return rounds.at(-1) ?? null
  return rounds.findLast((round) => round.loop.join() === loop.join()) ?? null
}

/** The variables that a step found, and those that it changed; with its rounds to choose from. */
export function variablesView(
  model: RunModel | null,
  chosen: ChosenStep | null,
  onChoose: (chosen: ChosenStep) => void,
): unknown {
  const rounds = chosen === null ? undefined : model?.trace.steps.get(chosen.step)?.rounds
  const round = chosen === null ? null : roundOf(model, chosen)
  if (model === null || chosen === null || rounds === undefined || round === null) return nothing
  const at = rounds.indexOf(round)
  const go = (by: number): void => onChoose({ step: chosen.step, loop: rounds[at + by]?.loop ?? round.loop })
  return html`<h2 class="part meta-head">
      Variables <span class="tiny">at step ${chosen.step}${roundsText(round.loop)}</span>
    </h2>
    ${
      rounds.length < 2
        ? nothing
        : html`<div class="row rounds" role="group" aria-label="Round">
            <button class="btn slim" aria-label="Round before" ?disabled=${at <= 0} @click=${() => go(-1)}>‹</button>
            <label class="tiny"
              >round
              <input
                class="field"
                type="number"
                min="1"
                max=${rounds.length}
                .value=${String(at + 1)}
                @change=${(event: Event) => go(numberOf(event, rounds.length) - 1 - at)}
            /></label>
            <span class="tiny">of ${formatCount(rounds.length)}</span>
            <button
              class="btn slim"
              aria-label="Round after"
              ?disabled=${at >= rounds.length - 1}
              @click=${() => go(1)}
            >
              ›
            </button>
          </div>`
    }
    ${round.error === null ? nothing : html`<p class="fault small">${round.error}</p>`} ${listOf(model, round)}`
}

function listOf({ trace }: RunModel, round: StepRound): unknown {
  const { before, after, loop } = round
  if (before === null && after === null) {
    return html`<p class="muted small">
      ${trace.isCut ? 'The run told as many variables as a trace may hold.' : 'Not recorded. Turn on “Record variables” in the request, and run again.'}
    </p>`
  }
  const found = shown(before ?? {}, loop)
  const left = shown(after ?? {}, loop)
  const names = [...new Set([...Object.keys(found), ...Object.keys(left)])]
  if (names.length === 0) return html`<p class="muted small">No variable has a value here.</p>`
  return html`<dl class="box meta">
    ${names.map((name) => {
      const isChanged = after !== null && left[name] !== found[name]
      return html`<div class=${isChanged ? 'changed' : ''}>
        <dt>${name}</dt>
        <dd>
          ${isChanged ? html`${found[name] === undefined ? '' : html`<del>${found[name]}</del> `}<ins>${left[name]}</ins>` : found[name]}
        </dd>
      </div>`
    })}
  </dl>`
}

/** Outside of loops the names of loops mean nothing. */
function shown(variables: Variables, loop: readonly number[]): Variables {
  if (loop.length > 0) return variables
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !LOOP_NAMES.has(name)))
}

function numberOf(event: Event, max: number): number {
  return Math.min(max, Math.max(1, Math.round((event.target as HTMLInputElement).valueAsNumber) || 1))
}
