/** Of the package; tests/cli compares it with package.json. */
export const version = '0.1.0'
