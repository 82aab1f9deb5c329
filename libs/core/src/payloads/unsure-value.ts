/**
 * Symbols that stand in a parsed body where JSON.parse would silently change what was sent. A symbol is neither text,
 * number, list nor object, so no check takes it for a value, and JSON.stringify leaves it out. The description goes
 * into notes and reasons.
 */
export const UNSURE = Object.freeze({
  twice: Symbol('a key that is given twice'),
  rounded: Symbol('a number beyond ±(2^53−1), which would be rounded'),
  /** An assignment to this key would change a prototype. */
  prototype: Symbol('the key __proto__'),
});
