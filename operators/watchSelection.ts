import type { Selection } from '../core/alerts.ts'
import type { Contract } from '../core/instruments.ts'
import { strikesOf } from '../core/watchRules.ts'

/** Whether a contract is among those of the selection. */
export function selects({ underlying, expiry, strike, type }: Selection): (contract: Contract) => boolean {
  const ofUnderlying = pattern(underlying)
  const ofExpiry = expiry === undefined ? undefined : pattern(expiry)
  const strikes = strike === undefined ? undefined : strikesOf(strike)
  return (contract) => {
    if (!ofUnderlying(contract.underlying)) return false
    const typeOf = contract.kind === 'option' ? contract.type : contract.kind === 'future' ? 'FUT' : 'SPOT'
    if (type !== undefined && type !== typeOf) return false
    if (ofExpiry !== undefined && (contract.kind === 'spot' || !ofExpiry(contract.expiry))) return false
    return strikes === undefined || (contract.kind === 'option' && contract.strike >= strikes.low && contract.strike <= strikes.high)
  }
}

/** `*` stands for any text, everything else for itself. */
function pattern(text = '*'): (name: string) => boolean {
  const whole = new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`)
  return (name) => whole.test(name)
}
