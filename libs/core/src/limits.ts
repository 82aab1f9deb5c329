const KIB = 1024;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Every limit and default of Runhooks, with its unit in its name. Limits meet hostile input; defaults are what an
 * option of the same name overrides.
 */
export const LIMITS = Object.freeze({
  // --- the HTTP edge ---
  /** Default of a source's `bodyBytesMax`. dbt sends about 0.7 KiB, Svix allows at most about 350 KiB. */
  bodyBytesMax: 1024 * KIB,
  /** A body must have arrived whole this long after its headers; a slower sender is answered 400. */
  bodyReadMs: 10 * SECOND,
  /**
   * Requests, and bytes of their bodies, that one app holds whose signature has not been checked yet; what comes beyond is
   * answered 503. A body of the usual size comes in one piece and is checked at once, so that a burst is far from both.
   */
  bodiesHeldMax: 10_000,
  bodiesHeldBytesMax: 64 * 1024 * KIB,
  /** After an answer to a body that is not read, how long its sender may take to notice before the connection is cut. */
  lingerMs: 2 * SECOND,
  /** `Retry-After` of a 503, in seconds. */
  retryAfterSeconds: 5,
  /** Messages are stored again, and the log says so, once none was answered 503 for this long. */
  outageQuietMs: SECOND,

  // --- sources and signatures ---
  /** A source's name: it is part of paths, event ids and log lines. */
  sourceNameCharsMax: 64,
  /** Secrets of one source; every one is tried on every request, so a long list is a mistake. */
  secretsMax: 16,
  /** Shortest secret, key or token; the specification of Standard Webhooks says 24 to 64 bytes. */
  secretBytesMin: 16,
  /** The same for dbt Cloud, which does not document how long its secrets are; its page shows one of 10 characters. */
  dbtCloudSecretBytesMin: 8,
  /** Clock difference tolerated both ways where a provider signs the time (Standard Webhooks: five minutes). */
  signatureToleranceMs: 5 * MINUTE,
  /** Entries read from one signature header; Svix sends at most eleven (the current key and ten old ones). */
  signaturesMax: 16,
  /** A sender's message id, as kept in the inbox. */
  messageIdCharsMax: 255,
  /** Names of headers listed in the log line about a refused request. */
  headerNamesLoggedMax: 40,

  // --- the log ---
  /** A line of the log, and the message of an error of ours; some collectors split lines at 16 KiB of UTF-8. */
  lineCharsMax: 4_000,
  /** The name of a run, a job or a pattern in the line about a message. */
  nameCharsLoggedMax: 100,
  /** Where no handler wants a message: handlers, patterns of each, and characters of each name that are compared with it. */
  nearMissHandlersMax: 200,
  nearMissPatternsMax: 20,
  nearMissPatternsShown: 3,
  nearMissCharsMax: 100,
  /** Time between two looks at the requests that were refused: what is due is logged, and counts are stored. */
  refusalLookMs: 30 * SECOND,
  /** While requests are refused for one cause, their count is logged this often. */
  refusalEveryMs: 5 * MINUTE,
  /** Refused requests are over once none was refused for this long; scanners that come now and then are one case. */
  refusalQuietMs: 15 * MINUTE,
  /** Signatures that do not match, and none that does, before a changed secret is suspected: so many, since so long. */
  secretChangedMin: 3,
  secretChangedMs: 2 * MINUTE,
  /** Reasons of one outage that are logged, each once; texts of a driver may differ each time. */
  outageReasonsMax: 10,

  // --- reading ---
  /** Nesting of a payload; the documented ones reach 4. */
  jsonDepthMax: 64,
  /** Members of all objects of a payload together: what its validation costs. Documented payloads have about 100. */
  jsonMembersMax: 20_000,
  /** Objects of a payload, also empty ones: each is checked. Documented payloads have fewer than 30. */
  jsonObjectsMax: 10_000,
  /** Elements of one array of a payload, for example the commands of a run. */
  arrayItemsMax: 5_000,
  /** Ids of accounts, runs, jobs, projects and environments. */
  idCharsMax: 255,
  /** Of a longer name, how much of it is in a job's key; its digest follows. */
  labelCharsInKey: 100,
  /** Years a provider's time may lie in; anything else is a broken clock. */
  yearMin: 2000,
  yearMax: 2100,
  /** A reason kept with a quarantined or unknown message. */
  reasonCharsMax: 1_000,
  /** Violations named in one reason. */
  violationsMax: 5,
  /** Notes kept with a message, and characters of each of a note's texts: at most 12 KiB of ASCII. */
  notesMax: 20,
  noteCharsMax: 200,
  /** Paths of notes in one line of the log. */
  notesLoggedMax: 5,
  /** What a reason shows of a place in a body: the innermost keys and indices, and the start of a long key. */
  placesShownMax: 8,
  keyCharsShownMax: 40,

  // --- watchdogs, barriers, incidents ---
  /** Default of `runsMin` of `@OnRunStuck`, and the last runs of a job that its usual duration is taken from. */
  stuckRunsMin: 10,
  stuckRunsMax: 100,
  /** Highest `p95Times`: a hundred times the usual is no longer a multiple of it. */
  stuckTimesMax: 100,
  /** Jobs of one barrier. */
  barrierJobsMax: 50,
  /** Failed runs that an incident lists; it counts them all. */
  incidentRunsMax: 100,

  // --- dispatch ---
  /** Handlers running at the same time in one process. */
  concurrency: 10,
  /** Messages read, and deliveries claimed, in one go. */
  claimMax: 100,
  /** Deliveries in lanes that one look for the first of each lane goes through, beyond those asked for. */
  laneLookMax: 200,
  /** How long messages are read before the event loop has its turn; a big one takes some 100 ms alone. */
  parseTurnMs: 20,
  /** Time between two looks for work that another process stored, or that became due. */
  pollMs: SECOND,
  /** A claim that was neither settled nor renewed for this long is open to others. */
  leaseMs: 30 * SECOND,
  /** Time between two words of a process that it is alive. */
  heartbeatMs: 20 * SECOND,
  /** A process that was not heard of for this long is gone: three words missed, or clocks that far apart. */
  processLapseMs: MINUTE,
  /** For a handler that no process has, messages are put aside this long; then it counts as removed. */
  handlerMissingMs: DAY,
  /** How exactly it is kept when a handler was last there. */
  handlerSeenMs: 60 * MINUTE,
  /** Of the digest of a handler's subscriptions; with 48 bits two versions of one handler never meet. */
  handlerDigestChars: 12,
  /** Handlers named in one line of the log. */
  handlersLoggedMax: 20,
  /** Names that minifiers give to the classes of large bundles have up to three characters. */
  minifiedNameCharsMax: 3,
  /** A task whose evaluation was begun this often and never finished is given up. */
  taskClaimsMax: 10,
  /** A message whose reading crashed the process this often is quarantined. */
  parseClaimsMax: 5,
  /** Attempts of a delivery before it becomes a dead letter; with the delays below about nine hours, on average. */
  attemptsMax: 15,
  /** Attempts beyond those that a delivery may lose to crashes and shutdowns before it becomes a dead letter, too. */
  attemptsLostMax: 10,
  /** First and longest delay before the next attempt; doubled each time, drawn between zero and the value. */
  retryDelayMs: 5 * SECOND,
  retryDelayMsMax: 6 * 60 * MINUTE,
  /** Default of a handler's `timeoutMs`. */
  handlerTimeoutMs: 5 * MINUTE,
  /** After an abort, how long a handler may take to settle before the next attempt stops waiting for it. */
  abortGraceMs: 30 * SECOND,
  /** Calls that still run although their attempt is over: of one handler it is not started again, of a process no such handler. */
  abandonedPerHandlerMax: 20,
  abandonedMax: 100,
  /** Shutdown: how long running handlers may take before they are aborted, and then to settle. */
  drainMs: 10 * SECOND,
  drainGraceMs: 5 * SECOND,
  /** How long after boot a missing SIGTERM listener is reported; `main.ts` has added its own by then. */
  signalCheckMs: 5 * SECOND,
  /** A handler's id: it is stored with each delivery. */
  handlerIdCharsMax: 200,
  /** What is kept of a failed attempt's error. */
  errorNameCharsMax: 200,
  errorMessageCharsMax: 2_000,
  errorStackCharsMax: 8_000,

  // --- transports ---
  /** Ids of due deliveries in a transport; with fewer than half of them waiting there it is offered more. */
  transportOfferMax: 500,
  /** A transport that has not answered for this long has failed: then deliveries are claimed. */
  transportAnswerMs: 2 * SECOND,
  /** What is due for this long and was not brought to anybody is claimed. */
  transportLateMs: 5 * SECOND,
  /** Pause before a connection is tried again; as many times longer as there were tries, up to the second. */
  transportRetryMs: 100,
  transportRetryMsMax: 2 * SECOND,

  /** So many errors within so long, and a transport is left alone for the longest pause. */
  transportErrorsMax: 50,
  transportErrorsMs: SECOND,

  // --- retention ---
  /** Settled messages with their events, deliveries and attempts. */
  finishedMs: 30 * DAY,
  /** The same for messages that led to a dead letter. */
  deadMs: 90 * DAY,
  /** Duplicate keys, operators' decisions, runs and the runs that wait at barriers: dbt signs no time, so a captured request could come back as long as its secret lives. */
  deduplicationMs: 400 * DAY,
  /** A task that was due and that no process took for this long: its handler is gone. */
  taskOverdueMs: DAY,
  /** Time between two looks for what is old enough to go. */
  purgeEveryMs: 10 * MINUTE,
  /** Rows of each kind removed in one step; between steps other work has its turn. */
  purgeRowsMax: 200,

  // --- clocks ---
  /** A clock that moves so far beyond the time that passed was set; one so far from the inbox's is said to differ. */
  clockStepMs: 5 * SECOND,
  /** What a lease may end later than it can, and what is registered may lie ahead, before a clock counts as wrong. */
  clockSkewMs: MINUTE,
  /** The store's time is not taken from an answer that took longer: it is as wrong as half of that. */
  clockAnswerMsMax: SECOND,
  /** How exactly the inbox keeps when a process last told it the time. */
  clockNoteMs: 30 * SECOND,
  /** If the time that processes tell moves so far at once, either way, then purging brakes: the clock may be wrong. */
  clockJumpMs: 10 * MINUTE,
  /** How long purging brakes after a jump of the clock. */
  purgeBrakeMs: DAY,
  /** Meanwhile, so many of the messages may go in an hour, and at least so many rows. */
  purgeBrakeShare: 0.01,
  purgeBrakeRowsMin: 20,
  purgeBrakeHourMs: HOUR,
  /** Time between two looks for work that a wrong clock made due far ahead; at boot and when the clock is set, too. */
  pullBackEveryMs: 10 * MINUTE,
  /** Deliveries looked at in one step of that. */
  pullBackRowsMax: 500,

  // --- looking into the inbox ---
  pageItems: 50,
  pageItemsMax: 1_000,
  /** Events looked at in one step of a replay, messages in one step of reading again. */
  replayStepMax: 200,
  /** A replay's id. */
  replayIdCharsMax: 100,
  /** Who decided something about the inbox, and why. */
  decidedByCharsMax: 200,
  decidedReasonCharsMax: 1_000,
  /** What is kept of what was asked for: ids of a list, and characters of one text. */
  decidedIdsMax: 100,
  decidedTextCharsMax: 300,
  /** Messages looked through, or erased, in one step. */
  eraseStepMax: 200,
  /** A text to look for: a shorter one is in nearly every message. */
  eraseTextCharsMin: 3,
  eraseTextCharsMax: 200,

  // --- the SQL inbox ---
  /** Operations waiting for a commit; beyond it the store answers "unavailable" at once. */
  writeQueueMax: 10_000,
  /** Operations that share one commit. */
  commitBatchMax: 500,
  /** How long an operation waits for another process's write lock in all. */
  sqliteBusyMs: 5 * SECOND,
  /** How long one try for the write lock may hold up the event loop, and the pause before the next one. */
  sqliteTryMs: 50,
  /** Size that an SQLite file's write-ahead log is cut back to, and above which it is reported if it cannot shrink. */
  walBytesMax: 64 * 1024 * KIB,
  /** After readers kept a write-ahead log from being emptied, how long until the next try. */
  walAgainMs: 10 * SECOND,
  /** Largest SQLite file that is read and checked as a whole at startup: from a slow disk that takes some seconds. */
  startupCheckBytesMax: 256 * 1024 * KIB,
  /** The same for its write-ahead log, which is held in memory for that. */
  startupCheckWalBytesMax: 128 * 1024 * KIB,
  /** Default of `fileMode` of an SQLite inbox: only its owner may read and write its files. */
  sqliteFileMode: 0o600,

  // --- the Postgres inbox ---
  /** Default of `connectionsMax`: connections of one process. */
  postgresConnections: 10,
  /** How long a connection may take to be made, or to be free. */
  postgresConnectMs: 5 * SECOND,
  /** The server ends a statement that takes longer. */
  postgresStatementMs: 8 * SECOND,
  /** A connection that does not answer for this long is given up; longer than a statement may take. */
  postgresAnswerMs: 10 * SECOND,
  /** The same at boot, where a replica waits for another one that upgrades the schema. */
  postgresMigrateMs: 10 * MINUTE,
  /** Where a handler's transaction was cut off in a statement, the server ends it after this long. */
  lostClientMs: SECOND,
  /** How often a transaction is run that is in conflict with others, and the pause before that, drawn up to as many times this. */
  postgresTriesMax: 5,
  postgresTryMs: 20,
  /** Batches of messages that are stored at the same time, and bytes of bodies in one. */
  appendBatchesMax: 2,
  appendBatchBytesMax: 4 * 1024 * KIB,
  /** Messages that one process records at the same time, each of another job. */
  recordingsMax: 4,
  /** At most one notification of other processes in this time. */
  notifyEveryMs: 20,
  /** How often the connection that notifications come by is asked whether it is still there, and the pause before another is made. */
  listenCheckMs: 10 * SECOND,
  listenAgainMs: SECOND,
  /** `close()` waits this long for what is under way. */
  postgresCloseMs: 10 * SECOND,

  // --- moving an inbox from SQLite to Postgres ---
  /** Rows, and bytes of what may be large in them, that are moved in one transaction; a single row may have more. */
  moveRowsMax: 500,
  moveBytesMax: 4 * 1024 * KIB,

  /** Longest delay a timer can hold (2^31 - 1 ms). */
  timerMsMax: 2_147_483_647,
  /** Longest time ahead that anything may be scheduled. */
  dueAheadMsMax: 366 * DAY,
});
