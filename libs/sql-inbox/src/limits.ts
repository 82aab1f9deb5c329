const KIB = 1024;
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** Limits of the SQL inbox, with their units in their names. */
export const SQL_LIMITS = Object.freeze({
  /** Operations that can wait for a commit. The store rejects further ones as unavailable. */
  writeQueueMax: 10_000,
  /** Operations that share one commit. */
  commitBatchMax: 500,
  /** Deliveries of ordered handlers that one claim scans for the first of each lane, beyond the number it asks for. */
  laneScanMax: 200,
  /** Default and largest `limit` of a list. */
  pageItems: 50,
  pageItemsMax: 1_000,
  /** Characters of the text that shows what a delivery waits for. */
  waitingForCharsMax: 500,
  /** Failed and warned nodes of a run in one row. */
  resultNodesPerPart: 200,
  /** Such rows that one transaction writes. With the longest messages they have 2 MB. */
  resultPartsPerStep: 4,
  /** Time for which a retry without an answer makes retries of other runs of its job wait, because one of them can be its run. */
  actionDoubtMs: 24 * HOUR,
  /** Precision of the stored time at which a handler was last registered. */
  handlerSeenMs: HOUR,
  /** Precision of the stored time of the latest heartbeat. */
  clockNoteMs: 30 * SECOND,
  /** Time whose numbers are one row of the series, for each source, kind and process. */
  seriesMinuteMs: 60 * SECOND,
  /** Rows of the series that one step of a purge folds, and removes. */
  seriesRowsMax: 2_000,
  /** Time for which the rows that a braking purge removes are counted together. */
  purgeBrakeHourMs: HOUR,

  // --- SQLite ---
  /** Total wait of an operation for the write lock of another process. */
  sqliteBusyMs: 5 * SECOND,
  /** Wait for the write lock during which one attempt blocks the event loop, and the pause before the next attempt. */
  sqliteTryMs: 50,
  /** Size that SQLite truncates a write-ahead log to. A log that stays larger is reported. */
  walBytesMax: 64 * 1024 * KIB,
  /** Pause before the next checkpoint after readers kept the write-ahead log from being emptied. */
  walRetryMs: 10 * SECOND,
  /** Largest SQLite file that is read and checked in full at startup. On a slow disk that takes some seconds. */
  startupCheckBytesMax: 256 * 1024 * KIB,
  /** Largest write-ahead log that is checked at startup, because the check holds the log in memory. */
  startupCheckWalBytesMax: 128 * 1024 * KIB,
  /** Default of `fileMode` of an SQLite inbox: only the owner can read and write its files. */
  sqliteFileMode: 0o600,

  // --- Postgres ---
  /** Default of `connectionsMax`: connections of one process. */
  postgresConnections: 10,
  /** Timeout for opening a connection, and for waiting for a free one. */
  postgresConnectMs: 5 * SECOND,
  /** Statement timeout of the server. */
  postgresStatementMs: 8 * SECOND,
  /** Time without a response after which a connection is closed. It is longer than a statement may take. */
  postgresResponseMs: 10 * SECOND,
  /** Both timeouts at startup, where a replica waits for another one that upgrades the schema. */
  postgresMigrateMs: 600 * SECOND,
  /** Time in which the server detects a lost client during a statement of a handler's transaction. */
  lostClientMs: SECOND,
  /** Attempts of a transaction that conflicts with others. */
  postgresTriesMax: 5,
  /** Pause before the next of these attempts: a random share of this, multiplied by the number of the attempt. */
  postgresTryMs: 20,
  /** Batches of messages that are stored at the same time. */
  appendBatchesMax: 2,
  /** Bytes of bodies in one of these batches. */
  appendBatchBytesMax: 4 * 1024 * KIB,
  /** Shortest time between two notifications of other processes. */
  notifyEveryMs: 20,
  /** Time between two checks of the connection that receives notifications. */
  listenCheckMs: 10 * SECOND,
  /** Pause before that connection is reopened. */
  listenRetryMs: SECOND,
  /** Time that `close()` waits for running operations. */
  postgresCloseMs: 10 * SECOND,

  // --- moving an inbox from SQLite to Postgres ---
  /** Rows that one transaction moves. */
  moveRowsMax: 500,
  /** Bytes in the large columns of these rows. A single row can have more. */
  moveBytesMax: 4 * 1024 * KIB,
});
