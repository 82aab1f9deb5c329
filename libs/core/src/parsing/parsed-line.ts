import { MESSAGE_EVENT_TYPE } from '../events/event.js';
import { routableOf } from '../handlers/router.js';
import type { Routable } from '../handlers/filter.js';
import type { Handler } from '../handlers/handler.js';
import { LIMITS } from '../limits.js';
import type { StoredMessage } from '../sources/message.js';
import type { ParsedMessage } from './message-parser.js';
import { nearMiss, typesAskedFor } from '../handlers/near-miss.js';
import { shortName } from '../one-line.js';
import { isHandOff } from '../tasks/hand-off.js';
import type { RunSignal } from '../runs/run-signal.js';
import { outcomeOf } from '../runs/run-state.js';
import type { NewEvent } from '../store/recording.js';

/** What became of a message, for the log. */
export interface ParsedMessageReport {
  readonly message: Pick<StoredMessage, 'id' | 'source' | 'provider'> & { readonly withoutHandlers: boolean };
  readonly reading: ParsedMessage;
  /** The events that this message added. */
  readonly eventIds: readonly string[];
  readonly handlers: readonly Handler[];
}

/**
 * Returns the line for a message that was read and recorded: its run and outcome, its new events, and the handlers of
 * each, or that no handler wants it. Undefined for a message that tells of no run: that has a line of its own.
 */
export function parsedLine({ message, reading, eventIds, handlers }: ParsedMessageReport): string | undefined {
  const { signal } = reading;
  if (!signal) return undefined;
  const { events = [], tasks = [] } = reading.decided() ?? {};
  const added = events.filter(({ id }) => eventIds.includes(id));
  const said = `Message ${message.id} from source "${message.source}": ${describeRun(signal)} → `;
  if (added.length === 0 && tasks.length === 0) return `${said}no new event`;
  if (message.withoutHandlers) return `${said}${typesOf(added)}, reparsed without running handlers`;
  const watching = tasks.filter((task) => !isHandOff(task)).map(({ handlerId }) => handlerId);
  const others = tasks.some(isHandOff);
  const parts = [
    ...added.filter(({ deliveries }) => deliveries.length > 0).map(describeEvent),
    ...(watching.length > 0 ? [`watched by ${listed(watching)}`] : []),
    ...(others ? ['handed off to handlers of other processes'] : []),
  ];
  if (parts.length === 0) {
    const near = nearestTo(added, [MESSAGE_EVENT_TYPE], { message, signal, handlers });
    return `${said}${typesOf(added)}; no handler wants it${near ?? asked(handlers)}`;
  }
  const unwanted = others ? [] : added.filter(({ deliveries }) => deliveries.length === 0);
  if (unwanted.length === 0) return said + parts.join('; ');
  const near = nearestTo(unwanted, [], { message, signal, handlers });
  return `${said}${[...parts, `${typesOf(unwanted)} for no handler`].join('; ')}${near ?? ''}`;
}

function nearestTo(
  unwanted: readonly NewEvent[],
  types: readonly string[],
  { message, signal, handlers }: Pick<ParsedMessageReport, 'message' | 'handlers'> & { readonly signal: RunSignal },
): string | undefined {
  const { source, provider } = message;
  const events = [...unwanted.map(({ type }) => type), ...types].map((type): Routable =>
    routableOf({ type, source, provider }, { run: signal.run }),
  );
  const near = nearMiss(handlers, events);
  return near === undefined ? undefined : `. Nearest: ${near}`;
}

function asked(handlers: readonly Handler[]): string {
  const types = typesAskedFor(handlers);
  return types === undefined ? '' : `. ${types}`;
}

function describeRun({ run, types }: RunSignal): string {
  const outcome = types.map(outcomeOf).find((one) => one !== undefined);
  const state = outcome ?? types.at(-1)?.replace(/^run\./, '') ?? run.status;
  const { name, id, key } = run.job;
  return `run ${shortName(run.id)} of "${shortName(name ?? id ?? key)}" ${state}`;
}

function describeEvent({ type, deliveries }: NewEvent): string {
  return `${type} for ${listed(deliveries.map(({ handlerId }) => handlerId))}`;
}

function typesOf(events: readonly NewEvent[]): string {
  return events.map(({ type }) => type).join(', ');
}

function listed(handlerIds: readonly string[]): string {
  const shown = handlerIds.slice(0, LIMITS.handlersLoggedMax);
  const more = handlerIds.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
