/** 1,234,567 or 0.25: whole numbers with their thousands apart, others with three digits. Whole ones without Intl, which costs memory once it is asked. */
export function shownNumber(n: number): string {
  if (Number.isSafeInteger(n)) return String(n).replace(/\B(?=(\d{3})+$)/g, ',')
  return n.toLocaleString('en-US', { maximumSignificantDigits: Math.max(3, Math.ceil(Math.log10(Math.abs(n) + 1))) })
}

/** 512 B, 1.5 MB. */
export function shownBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const power = Math.min(3, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** power).toFixed(1)} ${['B', 'kB', 'MB', 'GB'][power]}`
}
