/**
 * Weights, none below zero, whose sums of terms come nearest to the values by squares; where one would be below zero, the
 * others are fitted without it. `importance`: what each point's difference is multiplied by; 1 / value for relative ones.
 */
export function fitted(terms: readonly (readonly number[])[], values: readonly number[], importance: readonly number[]): number[] {
  const count = terms[0].length
  let kept = Array.from({ length: count }, (_, i) => i)
  for (;;) {
    const rows = terms.map((row, p) => kept.map((i) => row[i] * importance[p]))
    const some = solved(
      rows,
      values.map((value, p) => value * importance[p]),
    )
    const worst = some.reduce((found, weight, i) => (weight < some[found] ? i : found), 0)
    if (some[worst] >= 0 || kept.length === 1) {
      const weights = Array<number>(count).fill(0)
      for (const [i, place] of kept.entries()) weights[place] = Math.max(0, some[i])
      return weights
    }
    kept = kept.filter((_, i) => i !== worst)
  }
}

/** The normal equations, by elimination with the largest pivot. */
function solved(rows: readonly (readonly number[])[], values: readonly number[]): number[] {
  const n = rows[0].length
  const sum = (of: (p: number) => number): number => rows.reduce((total, _, p) => total + of(p), 0)
  const matrix = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_, j) => sum((p) => rows[p][i] * rows[p][j])),
    sum((p) => rows[p][i] * values[p]),
  ])
  for (let i = 0; i < n; i++) {
    let pivot = i
    for (let r = i + 1; r < n; r++) if (Math.abs(matrix[r][i]) > Math.abs(matrix[pivot][i])) pivot = r
    ;[matrix[i], matrix[pivot]] = [matrix[pivot], matrix[i]]
    for (let r = 0; r < n; r++) {
      if (r === i) continue
      const factor = matrix[r][i] / matrix[i][i]
      for (let c = i; c <= n; c++) matrix[r][c] -= factor * matrix[i][c]
    }
  }
  return matrix.map((row, i) => row[n] / row[i])
}
