import type { HandlerSet } from '../handlers/handler-set.js';
import type { Logger } from '../logger.js';
import type { ParsedMessage } from './message-parser.js';
import { parsedLine } from './parsed-line.js';
import { leftOut } from '../payloads/parse-note.js';
import type { Recorded } from '../store/recording.js';
import type { ClaimedMessage } from '../store/claim.js';

/** Logs what became of a message, once it is recorded. */
export class MessageLog {
  readonly #logger: Logger;
  readonly #handlers: HandlerSet;

  constructor(logger: Logger, handlers: HandlerSet) {
    this.#logger = logger;
    this.#handlers = handlers;
  }

  recorded(message: ClaimedMessage, reading: ParsedMessage, { eventIds, idReused, contradicts }: Recorded): void {
    const logger = this.#logger;
    const fields = { source: message.source, messageId: message.id, runId: reading.signal?.run.id };
    const said = `message ${message.id} from source "${message.source}"`;
    if (reading.state !== 'parsed') logger.warn(`${said} is kept as ${reading.state}: ${reading.reason ?? ''}`, fields);
    const line = parsedLine({ message, reading, eventIds, handlers: this.#handlers.all() });
    if (line !== undefined) logger.log(line, fields);
    const { notes } = reading;
    if (notes) logger.warn(`Message ${message.id} from source "${message.source}": ${leftOut(notes)}`, fields);
    if (idReused) logger.warn(`${said} has the id of an earlier message, but another body; both are kept`, fields);
    if (contradicts) {
      logger.warn(
        `${said} says that run ${reading.run?.runId} ${contradicts}, which ended differently before; the first outcome stays`,
        fields,
      );
    }
  }
}
