/**
 * Sorts index[0..n-1] so that ts[index[.]] rises, equal times in the order they stood.
 *
 * Rows that come nearly in order, which is what a market sends, cost one comparison each; when the moves show that
 * they do not, the rest is left to a merge sort.
 */
export function sortByTime(index: Int32Array, n: number, ts: Float64Array): void {
  let moves = 0
  for (let i = 1; i < n; i++) {
    const row = index[i]
    const t = ts[row]
    let j = i - 1
    for (; j >= 0 && ts[index[j]] > t; j--) index[j + 1] = index[j]
    index[j + 1] = row
    moves += i - 1 - j
    if (moves > 32 * n) {
      // Typed arrays sort stably, but what was moved already stands in order, so the original place must decide ties.
      index.subarray(0, n).sort((a, b) => ts[a] - ts[b] || a - b)
      return
    }
  }
}
