const KIB = 1024;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Limits and defaults of the core, with their units in their names. Limits protect against hostile input; an option of
 * the same name overrides a default.
 */
export const LIMITS = Object.freeze({
  // --- sources and signatures ---
  /** Default of a source's `bodyBytesMax`. dbt Cloud sends about 0.7 KiB, Svix allows at most about 350 KiB. */
  bodyBytesMax: 1024 * KIB,
  /** Characters of a source's name, which is part of paths, event ids and log lines. */
  sourceNameCharsMax: 64,
  /** Secrets of one source. Each request is checked with every secret, so a longer array is a mistake. */
  secretsMax: 16,
  /** Bytes of the shortest secret, key or token. Standard Webhooks specifies 24 to 64 bytes. */
  secretBytesMin: 16,
  /** Tolerated clock difference, in both directions, where a provider signs the time. Standard Webhooks: five minutes. */
  signatureToleranceMs: 5 * MINUTE,
  /** Entries of one signature header that are checked. Svix sends at most 11: the current key and ten old ones. */
  signaturesMax: 16,
  /** Characters of a sender's message id in the inbox. */
  messageIdCharsMax: 255,
  /** Header names in the log line about a rejected request. */
  headerNamesLoggedMax: 40,

  // --- the log ---
  /** Characters of a log line and of an error's message. Some collectors split lines at 16 KiB of UTF-8. */
  lineCharsMax: 4_000,
  /** Characters of the name of a run, a job or a pattern in a log line. */
  nameCharsLoggedMax: 100,
  /** Lines about single messages of one source and kind in one second; the further ones are counted. */
  messageLinesMax: 100,
  messageLinesMs: SECOND,
  /** Handlers, patterns of each and characters of each name that are compared with a message that matches no handler. */
  nearMissHandlersMax: 200,
  nearMissPatternsMax: 20,
  nearMissPatternsShown: 3,
  nearMissCharsMax: 100,
  /** Time between two checks for counts of rejected requests that must be logged or stored. */
  refusalCheckMs: 30 * SECOND,
  /** Time between two log lines about requests that are rejected for the same reason. */
  refusalEveryMs: 5 * MINUTE,
  /** Time without a rejection after which rejections count as over. Repeated visits of one scanner stay one case. */
  refusalQuietMs: 15 * MINUTE,
  /** Signatures in a row that do not match before a changed secret is suspected, and the shortest time they must span. */
  secretChangedMin: 3,
  secretChangedMs: 2 * MINUTE,
  /** Reasons of one outage that are logged, each once. A driver's texts can differ each time. */
  outageReasonsMax: 10,

  // --- parsing ---
  /** Nesting of a payload. Documented payloads have up to 4 levels. */
  jsonDepthMax: 64,
  /** Members of all objects of a payload, which determine the cost of its validation. Documented payloads have about 100. */
  jsonMembersMax: 20_000,
  /** Objects of a payload, including empty ones. Documented payloads have fewer than 30. */
  jsonObjectsMax: 10_000,
  /** Items of one array of a payload, for example the commands of a run. */
  arrayItemsMax: 5_000,
  /** Characters of the id of an account, run, job, project or environment. */
  idCharsMax: 255,
  /** First and last year that a provider's time can be in. Other years come from a broken clock. */
  yearMin: 2000,
  yearMax: 2100,
  /** Characters of the reason that is stored with a quarantined or unrecognized message. */
  reasonCharsMax: 1_000,
  /** Violations in one reason. */
  violationsMax: 5,
  /** Notes that are stored with a message, and characters of each text of a note: at most 12 KiB of ASCII. */
  notesMax: 20,
  noteCharsMax: 200,
  /** Paths of notes in one log line. */
  notesLoggedMax: 5,
  /** Innermost keys and indices of a place in a body that a reason shows, and characters of each key. */
  placesShownMax: 8,
  keyCharsShownMax: 40,

  // --- calls to the APIs of providers ---
  /** Default of a call's `timeoutMs`. Clients of dbt Labs use 15 s (dbt-mcp) and 30 s (Terraform). */
  apiTimeoutMs: 15 * SECOND,
  /** Default of a call's `bytesMax`. Manifests of thousands of nodes have tens of MiB. */
  apiAnswerBytesMax: 32 * 1024 * KIB,
  /** Bytes of an error that are searched for the provider's message. */
  apiErrorBytesMax: 64 * KIB,
  /** Characters of the provider's message in an error. */
  apiUserMessageCharsMax: 300,
  /** Shortest part of a header that can be a secret. Shorter ones are words such as `Bearer`. */
  apiSecretCharsMin: 8,
  /** Repeats of a call that changes nothing, and the delay before the first one, which then doubles. */
  apiRepeatsMax: 2,
  apiRepeatDelayMs: SECOND / 2,
  /** Shortest and longest cooldown that an answer can ask for. */
  apiCooldownMsMin: SECOND,
  apiCooldownMsMax: HOUR,
  /** Redirects of one artifact. */
  artifactRedirectsMax: 3,

  // --- stuck runs, waiting for several jobs, incidents ---
  /** Default of `runsMin` of `@OnRunStuck`, and the number of recent runs that a job's usual duration is computed from. */
  stuckRunsMin: 10,
  stuckRunsMax: 100,
  /** Largest `p95Times`. */
  stuckTimesMax: 100,
  /** Jobs of one `@OnAllRuns`. */
  barrierJobsMax: 50,
  /** Failed runs that an incident lists. It counts all of them. */
  incidentRunsMax: 100,

  // --- results ---
  /** Time without observation after which the incident of a node has ended. */
  nodeIncidentMs: 30 * DAY,
  /** Time for which the ids of nodes that did not fail are kept, for failures that are recorded later. */
  goodNodesMs: 7 * DAY,
  /** Observations that the history of a node keeps. */
  nodeHistoryMax: 50,
  /** Characters of a node's message. The longest ones of databases that were found have about 1,200. */
  nodeMessageCharsMax: 2_000,
  /** Characters of the percent-encoded id of a node in the id of an event. Postgres accepts about 2,700 bytes in an index. */
  eventIdNodeCharsMax: 1_024,
  /** Characters of a scope, or of the id of a node, in a request. */
  nodeKeyCharsMax: 4_000,
  /** Nodes that one step records, and nodes in an event of a run's results. */
  nodesPerStep: 200,
  /** Concurrency of the handler that reads results, and timeout of its attempts. A file of 50 MB can take minutes to arrive. */
  resultsConcurrency: 2,
  resultsTimeoutMs: 15 * MINUTE,
  /** First and longest delay before another read of results. In between, it is the time that they have been waited for. */
  resultsDelayMs: 30 * SECOND,
  resultsDelayMsMax: 10 * MINUTE,
  /** Longest time for which results and look-ups of actions wait for an API that cannot be asked. */
  apiWaitMs: 7 * DAY,
  /** Names that become aliases of a job. Further names of it are jobs of their own. */
  jobAliasesMax: 100,

  // --- running handlers ---
  /** Default of `concurrency`: handlers that run at the same time in one process. */
  concurrency: 10,
  /** Messages or deliveries that one claim takes. */
  claimMax: 100,
  /** Received messages, and bytes of their bodies, that a process keeps claimed until it parses them. */
  ownMessagesMax: 1_000,
  ownMessagesBytesMax: 16 * 1024 * KIB,
  /** Deliveries, for each handler that may run, that a process claims while recording them before there is a free place. */
  readyPerPlaceMax: 100,
  /** Bytes of the bodies of these deliveries. The body of a message counts for each of its deliveries. */
  readyBytesMax: 16 * 1024 * KIB,
  /** Time that they wait for a place. With a transport it is shorter, because other workers may have a place at once. */
  readyMs: SECOND,
  readyWithTransportMs: 100,
  /** Attempts that one step settles, and steps that a process takes at the same time. */
  settleMax: 500,
  settleStepsMax: 2,
  /** Time that parsing may block the event loop before other work has its turn. A large message alone takes 100 ms. */
  parseTurnMs: 20,
  /** Time between two polls for work that another process stored, or that became due. */
  pollMs: SECOND,
  /** Time after which a claim that was neither settled nor renewed expires. */
  leaseMs: 30 * SECOND,
  /** Time between two heartbeats of a process. */
  heartbeatMs: 20 * SECOND,
  /** Age of its last heartbeat at which a worker sends the next one although it is busy with other work. */
  heartbeatLateMs: 30 * SECOND,
  /** Time between two checks whether the other processes of the host are running. */
  neighborCheckMs: SECOND / 2,
  /** Time without a heartbeat after which a process counts as gone: three missed heartbeats, or clocks that far apart. */
  processLapseMs: MINUTE,
  /** Time that messages are handed off to a handler that no process has. After it, the handler counts as removed. */
  handlerMissingMs: DAY,
  /** Characters of the digest of a handler's subscriptions. With 48 bits, two versions of a handler never collide. */
  handlerDigestChars: 12,
  /** Handlers in one log line. */
  handlersLoggedMax: 20,
  /** Unfinished evaluations after which a task is abandoned. */
  taskClaimsMax: 10,
  /** Crashes of the process while it parses a message after which the message is quarantined. */
  parseClaimsMax: 5,
  /** Attempts of a delivery before it becomes a dead letter. With the delays below they take about nine hours. */
  attemptsMax: 15,
  /** Additional attempts that a delivery can lose to crashes and shutdowns before it becomes a dead letter. */
  attemptsLostMax: 10,
  /** First and longest delay before a retry. It doubles each time; the actual delay is random, from zero to this value. */
  retryDelayMs: 5 * SECOND,
  retryDelayMsMax: 6 * HOUR,
  /** Default of a handler's `timeoutMs`. */
  handlerTimeoutMs: 5 * MINUTE,
  /** Time after an abort that a handler has to return or throw before the next attempt starts. */
  abortGraceMs: 30 * SECOND,
  /** Calls still running after their attempts ended, at which one handler or one process starts no further calls. */
  abandonedPerHandlerMax: 20,
  abandonedMax: 100,
  /** Time at shutdown that aborted handlers have to return or throw. */
  drainGraceMs: 5 * SECOND,
  /** Characters of a handler's id, which is stored with each delivery. */
  handlerIdCharsMax: 200,
  /** Characters of an error that are stored with a failed attempt. */
  errorNameCharsMax: 200,
  errorMessageCharsMax: 2_000,
  errorStackCharsMax: 8_000,
  /** Time after which a due delivery that the dispatch transport has not delivered is claimed from the inbox. */
  transportLateMs: 5 * SECOND,

  // --- rounds ---
  /** Runs that one report of a round contains, and messages that one step stores of them. */
  reportedRunsMax: 200,
  reportedMessagesMax: 200,
  /** Time in which a run that cannot be parsed is stored once. */
  unparsableEveryMs: HOUR,
  /** Time after which a round that was neither settled nor renewed can be claimed by another worker. */
  roundLeaseMs: MINUTE,
  /** Time between two looks for due rounds of a source. */
  roundPollMs: 5 * SECOND,
  /** Longest delay of a round after a failure. It begins with twice the time between two rounds, and doubles each time. */
  roundDelayMsMax: 15 * MINUTE,
  /** Time for which a process does not ask the store again for the cooldown of an account. */
  cooldownCacheMs: SECOND,

  // --- retention ---
  /** Default of `retention.finishedMs`: finished messages with their events, deliveries and attempts. */
  finishedMs: 30 * DAY,
  /** Default of `retention.deadMs`: messages that led to a dead letter. */
  deadMs: 90 * DAY,
  /**
   * Default of `retention.deduplicationMs`: deduplication keys, operators' decisions, runs, and runs that wait for other
   * jobs. dbt Cloud signs no time, so a captured request can be replayed for as long as its secret is in use.
   */
  deduplicationMs: 400 * DAY,
  /**
   * Smallest `retention.deduplicationMs` of an app with sweeps. They look up to 7 days back, plus the time since the last one,
   * and would report runs again that the inbox has forgotten.
   */
  sweptDeduplicationMsMin: 14 * DAY,
  /** Time after which an overdue task that no process has claimed is deleted, because its handler no longer exists. */
  taskOverdueMs: DAY,
  /** Time between two purges. */
  purgeEveryMs: 10 * MINUTE,
  /** Rows of each kind that one step deletes. Other work has its turn between steps. */
  purgeRowsMax: 200,

  // --- actions ---
  /** Lease of an attempt of an action. It is longer than a call may take, see `apiTimeoutMs`. */
  actionLeaseMs: MINUTE,
  /** Time from a call to the first look-up, from one look-up to the next, and look-ups before it is unknown. Lists lag up to 90 s. */
  actionFirstLookMs: 10 * SECOND,
  actionLookEveryMs: MINUTE,
  actionLooksMax: 3,
  /** Default of `retriesMax`. */
  actionRetriesMax: 1,
  /** Root runs in one process whose `retriesMax` is known to be logged. */
  actionRootsLoggedMax: 1_000,
  /** Characters of its key, of its arguments as JSON, and of a run's reason, which dbt Cloud cuts (see Airflow's `DBT_CAUSE_MAX_LENGTH`). */
  actionKeyCharsMax: 200,
  actionRequestCharsMax: 64 * KIB,
  actionReasonCharsMax: 255,

  // --- clocks ---
  /** Deviation from the elapsed time at which a clock counts as set, and from the inbox's clock at which it is logged. */
  clockStepMs: 5 * SECOND,
  /** Tolerance for the end of a lease and for registered times before a clock counts as wrong. */
  clockSkewMs: MINUTE,
  /** Longest request for the store's time whose result is used: the time is inexact by half of the request's duration. */
  clockResponseMsMax: SECOND,
  /** Jump of the processes' time, in either direction, after which purging slows down, because the clock may be wrong. */
  clockJumpMs: 10 * MINUTE,
  /** Time that purging stays slow after a jump of the clock. */
  purgeBrakeMs: DAY,
  /** Share of the messages, and rows at least, that can be purged in an hour of slow purging. */
  purgeBrakeShare: 0.01,
  purgeBrakeRowsMin: 20,
  /** Time between two searches for work that a wrong clock scheduled far ahead. They also run when the clock is set. */
  pullBackEveryMs: 10 * MINUTE,
  /** Deliveries in one step of that search. */
  pullBackRowsMax: 500,
  /** Longest delay of a timer (2^31 - 1 ms). */
  timerMsMax: 2_147_483_647,
  /** Longest time ahead for which anything can be scheduled. */
  dueAheadMsMax: 366 * DAY,

  // --- the inbox ---
  /** Largest `limit` of a list. */
  pageItemsMax: 1_000,
  /** Events in one step of a replay, messages in one step of reparsing. */
  replayStepMax: 200,
  /** Characters of a replay's id. */
  replayIdCharsMax: 100,
  /** Characters of the `by` and the `reason` of an operator's decision. */
  decidedByCharsMax: 200,
  decidedReasonCharsMax: 1_000,
  /** Ids of an array, and characters of a string, that are stored of an operator's request. */
  decidedIdsMax: 100,
  decidedTextCharsMax: 300,
  /** Messages that one step of an erasure searches or erases. */
  eraseStepMax: 200,
  /** Characters of a string to search for. Nearly every message contains a shorter one. */
  eraseTextCharsMin: 3,
  eraseTextCharsMax: 200,
});
