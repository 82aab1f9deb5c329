import { MESSAGE_EVENT_TYPE } from '../events/event.js';
import { routableOf } from '../handlers/router.js';
import type { Routable } from '../handlers/filter.js';
import type { Handler } from '../handlers/handler.js';
import { LIMITS } from '../limits.js';
import type { StoredMessage } from '../sources/message.js';
import { nearMiss, typesAskedFor } from '../handlers/near-miss.js';
import { shortName } from '../one-line.js';
import { isHandOff } from '../tasks/hand-off.js';
import type { RunSignal } from '../runs/run-signal.js';
import { outcomeOf } from '../runs/run-state.js';
import type { NewEvent, Recorded } from '../store/recording.js';

/** Result of parsing a message, for its log line. */
export interface ParsedReport {
  readonly message: Pick<StoredMessage, 'id' | 'source' | 'provider'> & { readonly withoutHandlers: boolean };
  readonly signal: RunSignal;
  readonly recorded: Pick<Recorded, 'events' | 'tasks'>;
  readonly handlers: readonly Handler[];
}

/**
 * Returns the line for a message about a run that was parsed and recorded: the run and its outcome, the new events, and
 * the handlers of each, or that no handler wants it.
 */
export function parsedLine({ message, signal, recorded, handlers }: ParsedReport): string {
  const { events, tasks } = recorded;
  const subject = `Message ${message.id} from source "${message.source}": ${describeRun(signal)} → `;
  if (events.length === 0 && tasks.length === 0) return `${subject}no new event`;
  if (message.withoutHandlers) return `${subject}${typesOf(events)}, reparsed without running handlers`;
  const watching = tasks.filter((task) => !isHandOff(task)).map(({ handlerId }) => handlerId);
  const isHandedOff = tasks.some(isHandOff);
  const parts = [
    ...events.filter(({ deliveries }) => deliveries.length > 0).map(describeEvent),
    ...(watching.length > 0 ? [`watched by ${listed(watching)}`] : []),
    ...(isHandedOff ? ['handed off to handlers of other processes'] : []),
  ];
  if (parts.length === 0) {
    const near = nearestTo(events, [MESSAGE_EVENT_TYPE], { message, signal, handlers });
    return `${subject}${typesOf(events)}; no handler wants it${near ?? asked(handlers)}`;
  }
  const unwanted = isHandedOff ? [] : events.filter(({ deliveries }) => deliveries.length === 0);
  if (unwanted.length === 0) return subject + parts.join('; ');
  const near = nearestTo(unwanted, [], { message, signal, handlers });
  return `${subject}${[...parts, `${typesOf(unwanted)} for no handler`].join('; ')}${near ?? ''}`;
}

/** Returns the line for a run that a sweep found before any webhook reported it, or reported its end. */
export function foundLine(source: string, signal: RunSignal): string {
  return `Sweep of source "${source}" found ${describeRun(signal)}, which no webhook has reported`;
}

function nearestTo(
  unwanted: readonly NewEvent[],
  types: readonly string[],
  { message, signal, handlers }: Pick<ParsedReport, 'message' | 'signal' | 'handlers'>,
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
