import type { HandlerSet } from '../handlers/handler-set.js';
import { CountedLines } from '../log/counted-lines.js';
import type { Logger } from '../log/logger.js';
import { leftOut } from '../payloads/parse-note.js';
import type { ClaimedMessage } from '../store/claim.js';
import type { Recorded } from '../store/recording.js';
import type { ParsedMessage } from './message-parser.js';
import { foundLine, parsedLine } from './parsed-line.js';

/** Logs the results of parsing messages, once they are recorded. */
export class MessageLog {
  readonly #logger: Logger;
  readonly #handlers: HandlerSet;
  readonly #parsed: CountedLines;
  readonly #found: CountedLines;

  constructor(logger: Logger, handlers: HandlerSet) {
    this.#logger = logger;
    this.#handlers = handlers;
    this.#parsed = new CountedLines(logger, 'parsed');
    this.#found = new CountedLines(logger, 'found by a sweep');
  }

  /** Logs a recorded message. */
  recorded(message: ClaimedMessage, parsed: ParsedMessage, recorded: Recorded): void {
    const logger = this.#logger;
    const { state, reason = '', notes, run } = parsed;
    const { idReused, contradicts, isFoundBySweep } = recorded;
    const fields = { source: message.source, messageId: message.id, runId: parsed.signal?.run.id };
    const subject = `Message ${message.id} from source "${message.source}"`;
    if (state === 'quarantined') {
      const remedy = `After a fix, call Inbox.reparse({ messageIds: ['${message.id}'] })`;
      logger.warn(`${subject} was quarantined: ${reason}. ${remedy}`, {
        ...fields,
        code: 'RUNHOOKS_MESSAGE_QUARANTINED',
      });
    } else if (state === 'unrecognized') {
      logger.warn(`${subject} was not recognized: ${reason}`, { ...fields, code: 'RUNHOOKS_MESSAGE_UNRECOGNIZED' });
    } else if (state === 'test') {
      logger.log(`${subject} is a test webhook; no run handlers ran: ${reason}`, fields);
    }
    if (parsed.signal && this.#parsed.isLogged(message.source)) {
      logger.log(parsedLine({ message, signal: parsed.signal, recorded, handlers: this.#handlers.ofApp() }), fields);
    }
    if (notes) logger.warn(`${subject}: ${leftOut(notes)}`, { ...fields, code: 'RUNHOOKS_FIELDS_LEFT_OUT' });
    if (idReused) {
      logger.warn(`${subject} has the id of an earlier message but a different body; both are kept`, {
        ...fields,
        code: 'RUNHOOKS_MESSAGE_ID_REUSED',
      });
    }
    if (isFoundBySweep && parsed.signal && this.#found.isLogged(message.source)) {
      logger.log(`${foundLine(message.source, parsed.signal)}`, fields);
    }
    if (contradicts) {
      logger.warn(
        `${subject} reports run ${run?.runId} as ${contradicts}, but that run already has another outcome. ` +
          'Keeping the first one',
        { ...fields, code: 'RUNHOOKS_OUTCOME_CONTRADICTED' },
      );
    }
  }

  /** Logs the count of messages whose lines were not logged. */
  stop(): void {
    this.#parsed.flush();
    this.#found.flush();
  }
}
