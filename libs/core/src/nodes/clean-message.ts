import { stripVTControlCharacters, types } from 'node:util';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { Reasons } from '../log/reasons.js';
import { attemptError } from '../thrown.js';
import type { NodeName, NodeResult } from './node-result.js';

/** Function of the app that replaces what must not be stored in a node's message. */
export type Redact = (text: string, node: NodeName & { readonly source: string }) => string;

/** Control characters except line feeds and tabs, and lone surrogates, which some databases refuse. */
// eslint-disable-next-line no-control-regex -- a lookahead for line feeds and tabs takes ten times as long
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\p{Cs}]/gu;

/** Options for cleaning messages. */
export interface MessageCleanerOptions {
  readonly logger: Logger;
  /** @default messages are stored as dbt wrote them */
  readonly redact?: Redact | undefined;
}

/** Prepares messages of nodes for storing. */
export class MessageCleaner {
  readonly #options: MessageCleanerOptions;
  readonly #reasons = new Reasons();

  constructor(options: MessageCleanerOptions) {
    this.#options = options;
  }

  /**
   * Returns the node with a message without ANSI codes and control characters, redacted and cut. If `redact` fails, the
   * message is left out: it must not be stored as it is.
   */
  clean(node: NodeResult, source: string): NodeResult {
    const { message, ...others } = node;
    const text = message === undefined ? undefined : this.#redacted(plain(message), node, source);
    return text === undefined || text === '' ? others : { ...others, message: cut(text) };
  }

  #redacted(text: string, { uniqueId, kind, name, package: owner }: NodeResult, source: string): string | undefined {
    const { redact } = this.#options;
    if (!redact) return text;
    const node = { uniqueId, kind, name, ...(owner !== undefined && { package: owner }), source };
    try {
      const redacted: unknown = redact(text, node);
      if (typeof redacted === 'string') return plain(redacted.slice(0, LIMITS.nodeMessageCharsMax));
      // A function of the app may be async by mistake. Its rejection must not end the process.
      if (types.isPromise(redacted)) redacted.catch(() => undefined);
      this.#failed(source, `returned ${typeof redacted} instead of a string`);
    } catch (error) {
      // The error's message is left out, because it may quote the text.
      this.#failed(source, `threw ${attemptError(error).name}`);
    }
    return undefined;
  }

  #failed(source: string, failure: string): void {
    if (!this.#reasons.isNew(failure)) return;
    this.#options.logger.warn(
      `The redact option ${failure}; messages of nodes are left out of the results of runs when that happens. Mend the function`,
      { source, code: 'RUNHOOKS_REDACT_FAILED' },
    );
  }
}

function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll('\r\n', '\n').replace(CONTROLS, '');
}

/** Cuts a string without splitting a pair of surrogates. */
function cut(text: string): string {
  return text.slice(0, LIMITS.nodeMessageCharsMax).replace(/[\ud800-\udbff]$/, '');
}
