/** Maximum number of points; more cannot be distinguished in a card. */
const POINTS_MAX = 90

/** A course in a box of 300 × 44: a line, and the area below it, as points of SVG; both empty where there is no line. */
export function sparkline(times: readonly number[], values: readonly number[]): { line: string; area: string } {
  const step = Math.max(1, Math.ceil(values.length / POINTS_MAX))
  const points: (readonly [number, number])[] = []
  for (let index = values.length - 1; index >= 0; index -= step) {
    const [time, value] = [times[index], values[index]]
    if (time !== undefined && value !== undefined && !Number.isNaN(value)) points.unshift([time, value])
  }
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || first === last) return { line: '', area: '' }
  const low = Math.min(...points.map(([, value]) => value))
  const high = Math.max(...points.map(([, value]) => value))
  const x = (time: number): number => ((time - first[0]) / (last[0] - first[0] || 1)) * 300
  // A course without any change runs through the middle.
  const y = (value: number): number => (high === low ? 22 : 41 - ((value - low) / (high - low)) * 38)
  const line = points.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  return { line, area: `0,44 ${line} 300,44` }
}
