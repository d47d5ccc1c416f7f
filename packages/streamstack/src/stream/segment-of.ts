/** The segment that holds an offset: of segments in order, the last that begins at it or before. There is at least one. */
export function segmentOf<Segment extends { readonly first: number }>(
  segments: readonly Segment[],
  offset: number,
): Segment {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((segments[middle] as Segment).first <= offset) low = middle
    else high = middle - 1
  }
  return segments[low] as Segment
}
