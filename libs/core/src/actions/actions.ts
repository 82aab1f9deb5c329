import type { Logger } from '../log/logger.js';
import type { ActionAnswer, ProviderAction } from '../sources/provider-action.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time/clock.js';

/** Options for the actions of a process. */
export interface ActionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Actions at providers: each is carried out once per key. */
export class Actions {
  readonly #options: ActionsOptions;

  constructor(options: ActionsOptions) {
    this.#options = options;
  }

  perform(source: string, action: ProviderAction): Promise<ActionAnswer> {
    return Promise.reject(new Error(`${source} ${action.kind} ${this.#options.store.description}: not built yet`));
  }
}
