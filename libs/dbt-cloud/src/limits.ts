/** Limits of dbt Cloud, with their units in their names. */
export const DBT_CLOUD_LIMITS = Object.freeze({
  /** Bytes of the shortest secret. dbt Cloud does not document their length; its documentation shows one of 10 characters. */
  secretBytesMin: 8,
});
