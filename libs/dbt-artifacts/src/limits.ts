const KIB = 1024;
const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

/** Limits for reading dbt's files, with their units in their names. */
export const ARTIFACT_LIMITS = Object.freeze({
  /** Bytes that are read before the time is checked. They take about a millisecond. */
  sliceBytesMax: 64 * KIB,
  /** Time of uninterrupted work, after which the event loop runs its other work. */
  busyMsMax: 8,
  /** Nodes that are merged before the event loop runs its other work. They take 2 to 4 ms. */
  mergedNodesMax: 2_000,
  /** Bytes of a row, or of a value beside the rows. Compiled SQL makes rows large; parsing 4 MiB takes about 25 ms. */
  valueBytesMax: 4 * 1024 * KIB,
  /** Nesting of a row, or of a value beside the rows. dbt writes fewer than 10 levels. */
  depthMax: 512,

  /** Bytes of a `unique_id` in UTF-8. Postgres accepts about 2,700 in an index, together with the other columns. */
  idBytesMax: 1_024,
  /** Characters of a status, a version, a command or a target. */
  wordCharsMax: 100,
  /** Characters of a relation: up to four quoted names. */
  relationCharsMax: 2_000,
  /** Characters of a message. More of it is cut off, before other code removes colors and shortens it further. */
  messageCharsMax: 16_000,
  /** Characters of the name of a step or command, which contains the command with its options. */
  stepNameCharsMax: 255,
  /** Longest execution of a node that is believed. */
  executionMsMax: 30 * DAY,
  /** Greatest age of a source that is shown. The age of an empty table counts from year 1. */
  sourceAgeMsMax: 3_650 * DAY,

  /** Time by which dbt's clock can be behind that of the provider. A file that is older than this is one of an earlier run. */
  clockSkewMsMax: 60 * SECOND,

  /** Times between looks at a run whose files are missing. The last one repeats until `looksEndMs`. */
  lookDelaysMs: Object.freeze([10 * SECOND, 30 * SECOND, 60 * SECOND, 120 * SECOND]),
  /** Time after the end of a run at which its files are not expected any more. */
  looksEndMs: 600 * SECOND,
});
