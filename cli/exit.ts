/** Ends a verb that has said all there is to say with an exit code other than 0: nothing more is printed. */
export class EndWith extends Error {
  readonly code: number

  constructor(code: number) {
    super(`ended with ${code}`)
    this.code = code
  }
}
