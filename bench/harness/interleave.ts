/** Measures contenders in turns (A B C, A B C …), so that a slow minute of the machine hits all of them; gives each one's measurements. */
export async function interleave<Contender, Result>(
  contenders: readonly Contender[],
  options: { warmups: number; rounds: number },
  measure: (contender: Contender) => Promise<Result>,
): Promise<Map<Contender, Result[]>> {
  const results = new Map<Contender, Result[]>(contenders.map((contender) => [contender, []]))
  for (let round = -options.warmups; round < options.rounds; round++) {
    for (const contender of contenders) {
      const result = await measure(contender)
      if (round >= 0) results.get(contender)?.push(result)
    }
  }
  return results
}
