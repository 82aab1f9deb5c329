import { ConfigurationError } from '../errors.js';
import type { Handler } from '../handlers/handler.js';
import type { Role } from '../handlers/registration.js';
import { MessageCleaner, type Redact } from '../nodes/clean-message.js';
import type { ResultsReader } from '../sources/results-reader.js';
import type { OpenSource } from '../sources/source.js';
import { resultsAskedFor, resultsHandlers, type ResultsOfSource } from './results-handlers.js';
import { ResultsRecorder, type ResultsRecorderOptions } from './results-recorder.js';

/** Options for the results of a process. */
export interface ResultsHandlingOptions extends Omit<ResultsRecorderOptions, 'results' | 'readers' | 'cleaner'> {
  readonly sources: readonly OpenSource[];
  readonly role: Role;
  /** @default messages of nodes are stored as dbt wrote them */
  readonly redact?: Redact | undefined;
}

/** Results of runs in one process: the handlers that read them, for the handlers of the app that ask for them. */
export class ResultsHandling {
  readonly #options: ResultsHandlingOptions;
  readonly #recorder: ResultsRecorder | undefined;
  #asked: readonly ResultsOfSource[] = [];
  /** Sources and handlers that a warning has named. */
  readonly #warned = new Set<string>();

  constructor(options: ResultsHandlingOptions) {
    const { store, sources, logger, redact } = options;
    const { results } = store;
    this.#options = options;
    const readers = new Map<string, ResultsReader>();
    for (const { name, api } of sources) if (api?.results) readers.set(name, api.results);
    const cleaner = new MessageCleaner({ logger, redact });
    this.#recorder = results && new ResultsRecorder({ ...options, results, readers, cleaner });
  }

  /** Sources of whose runs handlers of the app ask for results. A receiver runs no handlers, so it has none. */
  get asked(): readonly ResultsOfSource[] {
    return this.#asked;
  }

  /**
   * Returns the handlers that read what the handlers of an app ask for.
   *
   * @throws {ConfigurationError} if the store cannot keep results.
   */
  handlersFor(ofApp: readonly Handler[]): readonly Handler[] {
    const { role, sources, store } = this.#options;
    if (role === 'receiver') return [];
    const asked = resultsAskedFor(ofApp, sources);
    const [first] = asked.flatMap(({ handlerIds }) => handlerIds);
    if (first === undefined) return [];
    const recorder = this.#recorder;
    if (!recorder) {
      throw new ConfigurationError(
        `handler "${first}"`,
        `expected an inbox that keeps results of runs, got ${store.description} without Store.results. Use sqliteInbox or ` +
          'postgresInbox, or remove the handlers of results',
      );
    }
    this.#asked = asked;
    return resultsHandlers(ofApp, sources, (event, delivery, claim) => recorder.invoke(event, delivery, claim));
  }

  /** Warns about sources that cannot be asked for results, once for each handler. Their handlers get no events. */
  warnOfUnread(): void {
    for (const { source, handlerIds: all, isRead } of this.#asked) {
      const handlerIds = all.filter((id) => !this.#warned.has(`${source} ${id}`));
      if (isRead || handlerIds.length === 0) continue;
      for (const id of handlerIds) this.#warned.add(`${source} ${id}`);
      this.#options.logger.warn(
        `Results of runs of source "${source}" are not read, so handlers get none: ${handlerIds.join(', ')}. Set the \`api\` ` +
          'option of the source with a token that can read runs (dbtCloud: `api.readToken`; paradime: `api.token` or `api.apiKey`)',
        { source, code: 'RUNHOOKS_RESULTS_NOT_READ' },
      );
    }
  }
}
