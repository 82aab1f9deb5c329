import type { Cooldowns } from '../rounds/cooldowns.js';
import type { ActionAnswer, ProviderAction } from '../sources/provider-action.js';
import type { ApiHost } from '../sources/provider-api.js';
import type { Actions } from './actions.js';

/** Services for the client of one source. */
export class SourceHost implements ApiHost {
  readonly #source: string;
  readonly #cooldowns: Cooldowns;
  readonly #actions: Actions;

  constructor(source: string, cooldowns: Cooldowns, actions: Actions) {
    this.#source = source;
    this.#cooldowns = cooldowns;
    this.#actions = actions;
  }

  now(): Date {
    return this.#cooldowns.now();
  }

  cooldownUntil(host: string, accountId: string): Promise<Date | undefined> {
    return this.#cooldowns.cooldownUntil(host, accountId);
  }

  coolDown(host: string, accountId: string, until: Date): Promise<void> {
    return this.#cooldowns.coolDown(host, accountId, until);
  }

  act(action: ProviderAction): Promise<ActionAnswer> {
    return this.#actions.perform(this.#source, action);
  }
}
