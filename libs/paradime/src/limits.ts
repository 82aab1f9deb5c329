/** Limits of Paradime, with their units in their names. */
export const PARADIME_LIMITS = Object.freeze({
  /** Characters of the longest name that a job's key contains whole. Keys are in indexes. */
  labelCharsWholeMax: 255,
  /** Characters of a longer name that a job's key contains. A digest of the name follows them. */
  labelCharsInKey: 100,
});
