/**
 * Symbols that replace values in a parsed body which JSON.parse would silently change. A symbol is not a string, number,
 * array or object, so no check accepts it, and JSON.stringify omits it. Notes and reasons contain the description.
 */
export const UNSURE = Object.freeze({
  twice: Symbol('a duplicate key'),
  rounded: Symbol('a number beyond ±(2^53−1), which would be rounded'),
  /** An assignment to this key would change a prototype. */
  prototype: Symbol('the key __proto__'),
});
