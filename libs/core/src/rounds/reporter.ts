import { Buffer } from 'node:buffer';
import { ConfigurationError } from '../errors.js';
import type { IdSequence } from '../ids.js';
import { LIMITS } from '../limits.js';
import { sha256 } from '../receiver/sha-256.js';
import { apiFactsOf } from '../runs/run-state.js';
import { markVerified } from '../sources/message.js';
import { parseMessage } from '../sources/parse-message.js';
import { isParseResult } from '../sources/parse-result-check.js';
import type { ParseResult } from '../sources/provider.js';
import type { ApiPhase, ProviderApi, ReportedRun } from '../sources/provider-api.js';
import type { OpenSource } from '../sources/source.js';
import type { NewRunFacts, ReportedPhase, RoundStore } from '../store/round-store.js';
import type { ReportedMessage } from '../store/new-message.js';
import type { Clock } from '../time/clock.js';

/** Options for a reporter. */
export interface ReporterOptions {
  readonly rounds: RoundStore;
  readonly ids: IdSequence;
  readonly clock: Clock;
  /** Called after messages were stored, so that they are parsed at once. */
  readonly onAppended: () => void;
}

/** Identity and phases of a run that a round has found. */
type FoundRun = Pick<ReportedRun, 'accountId' | 'runId' | 'phases'>;

/** A phase of a run with its message. */
interface Found extends ReportedPhase {
  readonly run: ReportedRun;
  readonly body: Uint8Array;
}

/** Source whose runs are reported. */
export type ReportedSource = Pick<OpenSource, 'name' | 'provider'> & { readonly api: ProviderApi };

/** Stores what the inbox lacks of runs that a round has found. */
export class Reporter {
  readonly #options: ReporterOptions;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /**
   * Appends one message for each phase that the inbox lacks, and adds facts of the API to runs that webhooks reported.
   *
   * @param since first registration of the source: a run that ended before is history
   */
  async report(source: ReportedSource, runs: readonly ReportedRun[], since: Date): Promise<void> {
    if (runs.length > LIMITS.reportedRunsMax) {
      throw new ConfigurationError(
        'context.report',
        `expected at most ${LIMITS.reportedRunsMax} runs in one call, got ${runs.length}. Report them in several calls`,
      );
    }
    if (runs.length === 0) return;
    const { rounds, onAppended } = this.#options;
    const lacking = await rounds.lacking(source.name, runs.flatMap(reportedPhasesOf));
    const runOf = new Map(runs.map((run) => [nameOf(run), run]));
    const messages = await this.#messagesOf(source, lacking.phases, runOf, since);
    for (let at = 0; at < messages.length; at += LIMITS.reportedMessagesMax) {
      await rounds.appendReported(messages.slice(at, at + LIMITS.reportedMessagesMax));
    }
    if (messages.length > 0) onAppended();
    const facts = lacking.withoutFacts.flatMap((key) => this.#factsOf(source, runOf.get(nameOf(key))));
    if (facts.length > 0) await rounds.addFacts(facts);
  }

  /** Returns for each run whether the inbox lacks one of its phases, in the same order. */
  async lacking(source: ReportedSource, runs: readonly FoundRun[]): Promise<boolean[]> {
    const { phases } = await this.#options.rounds.lacking(source.name, runs.flatMap(reportedPhasesOf));
    const names = new Set(phases.map(nameOf));
    return runs.map((run) => names.has(nameOf(run)));
  }

  async #messagesOf(
    source: ReportedSource,
    phases: readonly ReportedPhase[],
    runOf: ReadonlyMap<string, ReportedRun>,
    since: Date,
  ): Promise<ReportedMessage[]> {
    const found = phases.flatMap((phase): Found[] => {
      const run = runOf.get(nameOf(phase));
      return run ? [{ ...phase, run, body: bodyOf(run, phase.phase) }] : [];
    });
    const parsable: Found[] = [];
    const unparsable = new Map<string, Found>();
    const hour = Math.floor(this.#options.clock.now().getTime() / LIMITS.unparsableEveryMs);
    for (const one of found) {
      if (this.#parse(source, one.body).state === 'parsed') parsable.push(one);
      else {
        // The key of the phase stays free for a later body that can be parsed.
        const messageKey = messageKeyOf(one.run, `unparsable:${hour}`);
        if (!unparsable.has(messageKey)) unparsable.set(messageKey, { ...one, messageKey });
      }
    }
    const { phases: unknown } =
      unparsable.size > 0
        ? await this.#options.rounds.lacking(source.name, [...unparsable.values()].map(phaseOf))
        : { phases: [] };
    const isUnknown = new Set(unknown.map(({ messageKey }) => messageKey));
    const wanted = [...unparsable.values()].filter(({ messageKey }) => isUnknown.has(messageKey));
    return [...parsable, ...wanted].map((one) => this.#messageOf(source, one, since));
  }

  #messageOf(
    { name, provider }: ReportedSource,
    { run, phase, messageKey, body }: Found,
    since: Date,
  ): ReportedMessage {
    const receivedAt = this.#options.clock.now();
    const isHistory = phase !== 'running' && run.endedAt !== undefined && run.endedAt < since;
    return {
      id: this.#options.ids.next('msg', receivedAt),
      source: name,
      provider: provider.name,
      messageKey,
      digest: sha256(Buffer.from(messageKey)),
      headers: {},
      body,
      receivedAt,
      history: isHistory,
    };
  }

  #factsOf(source: ReportedSource, run: ReportedRun | undefined): NewRunFacts[] {
    const phase = run?.phases.at(-1);
    if (!run || phase === undefined) return [];
    const result = this.#parse(source, bodyOf(run, phase));
    if (result.state !== 'parsed') return [];
    return [{ run: { source: source.name, ...idsOf(run) }, ...apiFactsOf(result.signal.run) }];
  }

  /** Parses a body as a worker will. A provider that throws must not end the round. */
  #parse(source: ReportedSource, body: Uint8Array): ParseResult {
    try {
      const received = { source: source.name, body, headers: {}, receivedAt: this.#options.clock.now() };
      const result: unknown = parseMessage(source, { ...markVerified(received), origin: 'api' });
      if (isParseResult(result)) return result;
    } catch {
      // The message is stored, and the worker that parses it reports the error.
    }
    return { state: 'quarantined', reason: 'the provider threw or returned no ParseResult' };
  }
}

function reportedPhasesOf(run: FoundRun): ReportedPhase[] {
  return phasesOf(run).map((phase) => ({ ...idsOf(run), phase, messageKey: messageKeyOf(run, phase) }));
}

/** A run that has ended is not reported as running, because its start is over. */
function phasesOf({ phases }: FoundRun): ApiPhase[] {
  const ended = phases.filter((phase) => phase !== 'running');
  return ended.length > 0 ? ended : [...phases];
}

/** Returns the body without the run if that is no JSON, for example nested too deep: one run must not hold back all others. */
function bodyOf(run: ReportedRun, phase: ApiPhase): Uint8Array {
  try {
    return Buffer.from(JSON.stringify({ ...run.body, phase }));
  } catch {
    return Buffer.from(JSON.stringify({ phase }));
  }
}

function idsOf({ accountId, runId }: FoundRun): Pick<ReportedPhase, 'accountId' | 'runId'> {
  return { accountId, runId };
}

function phaseOf({ accountId, runId, phase, messageKey }: Found): ReportedPhase {
  return { accountId, runId, phase, messageKey };
}

function nameOf({ accountId, runId }: Pick<ReportedRun, 'accountId' | 'runId'>): string {
  return JSON.stringify([accountId, runId]);
}

/** Returns `api:<account>/<run>:<phase>` with percent-encoded ids, or its digest if it is too long for a key. */
function messageKeyOf({ accountId, runId }: FoundRun, phase: string): string {
  const key = `api:${encodeURIComponent(accountId)}/${encodeURIComponent(runId)}:${phase}`;
  return key.length <= LIMITS.messageIdCharsMax ? key : `api:${sha256(Buffer.from(key)).toString('hex')}`;
}
