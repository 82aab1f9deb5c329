/** Limits of Paradime, with their units in their names. */
export const PARADIME_LIMITS = Object.freeze({
  /** Characters of a long name that a job's key contains. A digest of the name follows them. */
  labelCharsInKey: 100,
});
