/** Names longer than this are not compared, because the comparison is quadratic. */
const COMPARED_LENGTH_MAX = 64

/**
 * Returns the candidate that the author of `name` most likely meant, or null if none is near.
 *
 * A candidate that differs only in case, spaces, underscores or hyphens wins at once; otherwise the nearest by
 * Damerau–Levenshtein distance (optimal string alignment), at most about a third of the longer name's length away.
 * The first candidate wins a tie. An exact match is a suggestion too: the caller asks only about names it did not find.
 */
export function didYouMean(name: string, candidates: Iterable<string>): string | null {
  if (name.length === 0 || name.length > COMPARED_LENGTH_MAX) return null
  const wanted = simplified(name)
  let best: string | null = null
  let bestDistance = Infinity
  for (const candidate of candidates) {
    if (candidate.length === 0 || candidate.length > COMPARED_LENGTH_MAX) continue
    const offered = simplified(candidate)
    if (offered === wanted && offered !== '') return candidate
    const bound = Math.min(distanceAllowed(wanted, offered), bestDistance - 1)
    if (bound < 1) continue
    const distance = distanceWithin(wanted, offered, bound)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function simplified(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '')
}

/** Short names allow a single slip, so that `a` never becomes `b`. */
function distanceAllowed(left: string, right: string): number {
  const longer = Math.max(left.length, right.length)
  if (Math.min(left.length, right.length) < 2) return 0
  return longer <= 4 ? 1 : Math.ceil(longer / 3)
}

/** The optimal-string-alignment distance, or Infinity as soon as it must exceed `bound`. */
function distanceWithin(left: string, right: string, bound: number): number {
  if (Math.abs(left.length - right.length) > bound) return Infinity
  let beforePrevious: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    let smallest = row
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1]
      let distance = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
      )
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (swapped) distance = Math.min(distance, at(beforePrevious, column - 2) + 1)
      current.push(distance)
      smallest = Math.min(smallest, distance)
    }
    if (smallest > bound) return Infinity
    beforePrevious = previous
    previous = current
  }
  const distance = at(previous, right.length)
  return distance <= bound ? distance : Infinity
}

function at(distances: readonly number[], index: number): number {
  return distances[index] ?? Infinity
}

/** The sentence by which a message suggests a name. */
export function suggest(near: string): string {
  return `Did you mean \`${near}\`?`
}

/** The cure of an unknown name: the near one, or else what a message says without one. */
export function didYouMeanOr(near: string | null, otherwise: string): string {
  return near === null ? otherwise : suggest(near)
}
