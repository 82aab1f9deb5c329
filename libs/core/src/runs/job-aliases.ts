import { defined } from '../defined.js';
import { LIMITS } from '../limits.js';
import { laterOf } from './earlier-later.js';
import { mergedIncidents, type JobState } from './incident.js';

/** Record of a key that is an alias of a job. */
export interface JobAlias {
  /** Key of the job. Its own record is a state, never another alias. */
  readonly aliasOf: string;
}

/** Record of a job key: the state of the job, or the job that the key is an alias of. */
export type JobRecord = JobState | JobAlias;

/** Records by job key, within one source. */
export type JobRecords = ReadonlyMap<string, JobRecord>;

/** Keys under which a message reports the job of its run. */
export interface ReportedJob {
  readonly key: string;
  /** Whether {@link key} is made from an id of the provider, which is never used for another job. */
  readonly hasId: boolean;
  readonly otherKeys: readonly string[];
}

/** Known records of jobs, with changes. */
class JobBook {
  readonly changes = new Map<string, JobRecord>();
  readonly #known: JobRecords;

  constructor(known: JobRecords) {
    this.#known = known;
  }

  /** Returns the key of the job that a key names, or `undefined` if the key has no record. */
  resolve(key: string): string | undefined {
    const record = this.#recordOf(key);
    return record && ('aliasOf' in record ? record.aliasOf : key);
  }

  stateOf(job: string): JobState | undefined {
    const record = this.#recordOf(job);
    return record && 'aliasOf' in record ? undefined : record;
  }

  /** Whether no id of the job is known. A job without a record may have an id. */
  isNameOnly(job: string): boolean {
    return this.stateOf(job)?.nameOnly ?? false;
  }

  set(key: string, record: JobRecord): void {
    this.changes.set(key, record);
  }

  /** Whether a key is the id of a known job. */
  isId(key: string): boolean {
    const job = this.resolve(key);
    return job !== undefined && !this.isNameOnly(job) && key === (this.stateOf(job)?.idAlias ?? job);
  }

  /** Sets the id of a job of which only names were known. The id is a key of the job. */
  setId(job: string, id: string): void {
    const { nameOnly, ...state } = this.stateOf(job) ?? {};
    if (nameOnly) this.set(job, { ...state, ...(id !== job && { idAlias: id }) });
  }

  /** Takes a key that is a name away from a job with an id. The key becomes a job of its own. */
  split(key: string, job: string): void {
    const { idAlias, aliases = [], ...state } = this.stateOf(job) ?? {};
    if (key === job && idAlias !== undefined) {
      // The other job goes on under its id.
      const names = aliases.filter((alias) => alias !== idAlias);
      this.set(idAlias, { ...state, ...(names.length > 0 && { aliases: names }) });
      for (const name of names) this.set(name, { aliasOf: idAlias });
    } else {
      this.#removeAlias(key, job);
    }
    this.set(key, {});
  }

  /** Makes a key an alias of a job, and of no other one. */
  point(key: string, job: string): void {
    const before = this.resolve(key);
    if (before !== undefined && before !== key) this.#removeAlias(key, before);
    const state = this.stateOf(job) ?? {};
    this.set(job, { ...state, aliases: [...(state.aliases ?? []), key] });
    this.set(key, { aliasOf: job });
  }

  /** Merges a job into another one: its key and its aliases become aliases of the other one. */
  merge(from: string, into: string): void {
    const merged = mergedJobs(this.stateOf(into) ?? {}, this.stateOf(from) ?? {});
    const keys = [from, ...(this.stateOf(from)?.aliases ?? [])];
    this.set(into, { ...merged, aliases: [...(merged.aliases ?? []), ...keys] });
    for (const key of keys) this.set(key, { aliasOf: into });
  }

  hasRoom(job: string): boolean {
    return (this.stateOf(job)?.aliases?.length ?? 0) < LIMITS.jobAliasesMax;
  }

  #removeAlias(key: string, job: string): void {
    const { aliases = [], ...state } = this.stateOf(job) ?? {};
    const left = aliases.filter((alias) => alias !== key);
    this.set(job, { ...state, ...(left.length > 0 && { aliases: left }) });
  }

  #recordOf(key: string): JobRecord | undefined {
    return this.changes.get(key) ?? this.#known.get(key);
  }
}

/** Job of a run, and the records that change because a message reports it. */
export interface LinkedJob {
  readonly key: string;
  readonly state: JobState | undefined;
  readonly changes: JobRecords;
}

/**
 * Returns the job that a message is about, and makes the keys of the message aliases of it. A run stays with its first job,
 * whose key is `runJobKey`. Otherwise, the job is the one that the main key names, or one that another key names and that
 * can be the same.
 *
 * A new key becomes an alias. Two known jobs become one only if exactly one of them has an id. A name that was an alias of
 * a job with another id moves to this job. A name of a job that is reported as the id of another one becomes a job of its
 * own.
 */
export function linkJob(known: JobRecords, reported: ReportedJob, runJobKey: string | undefined): LinkedJob {
  const book = new JobBook(known);
  const { key: mainKey, hasId, otherKeys } = reported;
  if (hasId) takeAsId(book, mainKey);
  let job = runJobKey === undefined ? jobOf(book, reported) : jobOfRun(book, reported, runJobKey);
  // The first run of such a job leaves a record, so a run whose job has none was reported with an id.
  if (job === mainKey && !hasId && runJobKey === undefined && !book.stateOf(job)) book.set(job, { nameOnly: true });
  job = hasId ? linkId(book, mainKey, job) : linkName(book, mainKey, job);
  // If the id is that of another job, the names belong to that one, too.
  const isOther = hasId && book.resolve(mainKey) !== job && mainKey !== job;
  if (!isOther) for (const key of otherKeys) job = linkName(book, key, job);
  return { key: job, state: book.stateOf(job), changes: book.changes };
}

/** Returns the key of the job of a run that is not known yet. */
function jobOf(book: JobBook, { key, hasId, otherKeys }: ReportedJob): string {
  const canBe = (job: string | undefined): job is string => job !== undefined && (!hasId || book.isNameOnly(job));
  return book.resolve(key) ?? otherKeys.map((other) => book.resolve(other)).find(canBe) ?? key;
}

/** Returns the key of the job of a known run. A name may have moved to another job since; an id never moves. */
function jobOfRun(book: JobBook, { key, hasId }: ReportedJob, runJobKey: string): string {
  const job = book.resolve(runJobKey) ?? runJobKey;
  return hasId && job !== runJobKey ? (book.resolve(key) ?? job) : job;
}

/** Makes a known key the id of its job. If that job has another id, the key becomes a job of its own. */
function takeAsId(book: JobBook, key: string): void {
  const job = book.resolve(key);
  if (job === undefined || book.isId(key)) return;
  if (book.isNameOnly(job)) book.setId(job, key);
  else book.split(key, job);
}

/** Links a key with an id to a job. Returns the job that both are, or `job` if it has another id. */
function linkId(book: JobBook, key: string, job: string): string {
  const found = book.resolve(key) ?? key;
  if (found === job || !book.isNameOnly(job)) return job;
  // An id that has a job of its own names that job; a new one becomes an alias.
  if (book.stateOf(found)) {
    book.merge(job, found);
    return found;
  }
  book.point(key, job);
  book.setId(job, key);
  return job;
}

/** Links a key that is a name to a job. Returns the job that both are, or `job` if the name stays that of another one. */
function linkName(book: JobBook, key: string, job: string): string {
  const found = book.resolve(key);
  if (found === job || key === job) return job;
  if (found === undefined) {
    if (book.hasRoom(job)) book.point(key, job);
    return job;
  }
  const [isFoundNameOnly, isNameOnly] = [book.isNameOnly(found), book.isNameOnly(job)];
  if (isFoundNameOnly && !isNameOnly) book.merge(found, job);
  if (!isFoundNameOnly && isNameOnly) {
    book.merge(job, found);
    return found;
  }
  const isMoving = !isFoundNameOnly && !isNameOnly && key !== found && !book.isId(key);
  if (isMoving && book.hasRoom(job)) book.point(key, job);
  return job;
}

/**
 * Returns the state of two jobs that turned out to be one; the first one stays. An open incident stays open, even if the
 * other job has succeeded since, because only a later success can emit its `run.recovered`.
 */
function mergedJobs(kept: JobState, other: JobState): JobState {
  const latestSuccessAt = laterOf(kept.latestSuccessAt, other.latestSuccessAt);
  const incident =
    kept.incident && other.incident
      ? mergedIncidents(kept.incident, other.incident)
      : (kept.incident ?? other.incident);
  const environment = kept.environment ?? other.environment;
  return { ...kept, ...defined({ latestSuccessAt, incident, environment }) };
}
