import type { Logger, ProcessSummary, Role, MissingHandler } from 'nestjs-runhooks/core';
import {
  durationText,
  LIMITS,
  valuesOf,
  type Handler,
  type NamedSource,
  type OpenSource,
  type ResultsOfSource,
  type SubscribedTo,
  type Subscription,
} from 'nestjs-runhooks/internal';

/** Facts about the app that are logged at startup. */
export interface Startup {
  readonly inbox: string;
  readonly role: Role;
  readonly transport: string | undefined;
  readonly sources: readonly OpenSource[];
  readonly disabled: readonly NamedSource[];
  /** Handlers of the app. */
  readonly handlers: readonly Handler[];
  /** Sources of whose runs handlers ask for results. */
  readonly results: readonly ResultsOfSource[];
  /** Whether the app has an HTTP server. */
  readonly isReachable: boolean;
}

const ROLES: Readonly<Record<Role, string>> = {
  both: 'receives webhooks and runs handlers',
  receiver: 'receives webhooks; handlers run in other processes',
  worker: 'runs handlers; has no webhook routes',
};

/** Logs the routes of the sources and the handlers. Users read these lines first when a webhook does not arrive. */
export function logStartup(logger: Logger, startup: Startup): void {
  const { inbox, role, transport, sources, disabled, handlers, isReachable } = startup;
  logger.log(`Inbox: ${inbox}`);
  logger.log(`Role: ${role} (${ROLES[role]})`);
  if (transport !== undefined) logger.log(`Dispatch: ${transport}`);
  const absence = absenceOfRoutes(role, isReachable);
  for (const source of sources) logSource(logger, source, absence);
  for (const { name, provider } of disabled) {
    logger.warn(
      `Source "${name}" (${provider}) is disabled: it has no route, and its messages wait. Remove enabled: false`,
      { source: name, code: 'RUNHOOKS_SOURCE_DISABLED' },
    );
  }
  for (const handler of handlers) logHandler(logger, handler);
  for (const results of startup.results) logResults(logger, results);
  if (handlers.length === 0 && role !== 'receiver') {
    logger.warn(
      "No handlers found; webhooks are stored but nothing runs. Add the classes with @On… decorators to a module's providers",
      { code: 'RUNHOOKS_NO_HANDLERS' },
    );
  }
}

/** Logs the last line of a startup. It counts the sources with routes and the handlers that run in this process. */
export function logReady(logger: Logger, { role, sources, handlers, isReachable }: Startup): void {
  const parts = [
    ...(role === 'worker' ? [] : [countOf(isReachable ? sources.length : 0, 'source')]),
    ...(role === 'receiver' ? [] : [countOf(handlers.length, 'handler')]),
  ];
  logger.log(`Ready: ${parts.join(', ')}`);
}

/** Warns about work that waits for handlers that no running worker has. */
export function logMissingHandlers(logger: Logger, missingHandlers: readonly MissingHandler[]): void {
  if (missingHandlers.length === 0) return;
  const named = missingHandlers.slice(0, LIMITS.handlersLoggedMax).map(({ handlerId, deliveries, checks }) => {
    const counts = [
      ...(deliveries > 0 ? [countOf(deliveries, 'delivery', 'deliveries')] : []),
      ...(checks > 0 ? [countOf(checks, 'check')] : []),
    ];
    return `${handlerId} (${counts.join(', ')})`;
  });
  const more = missingHandlers.length > named.length ? ` and ${missingHandlers.length - named.length} more` : '';
  logger.warn(
    `Work is waiting for handlers that no running process has: ${named.join(', ')}${more}. Renamed? Restore the old id. ` +
      'Removed? Call Inbox.dismiss({ handlerId, by, reason })',
    { code: 'RUNHOOKS_HANDLERS_MISSING' },
  );
}

function countOf(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}

/** Warns if no worker is running. */
export function logMissingWorker(logger: Logger, processes: readonly ProcessSummary[]): void {
  if (processes.some(({ role }) => role !== 'receiver')) return;
  logger.warn('No worker is running on this inbox; webhooks are stored and handled once one starts', {
    code: 'RUNHOOKS_NO_WORKER',
  });
}

function absenceOfRoutes(role: Role, isReachable: boolean): string | undefined {
  if (role === 'worker') return 'not received here';
  return isReachable ? undefined : 'not reachable: this app has no HTTP server';
}

function logSource(logger: Logger, { name, paths, provider }: OpenSource, absence: string | undefined): void {
  const where = absence ?? paths.map((path) => `POST ${path}`).join(', ');
  const line = `Source "${name}" (${provider.name}): ${where}; signature: ${provider.signature}`;
  if (!provider.isOpenToAnyone) logger.log(line, { source: name });
  else {
    logger.warn(`${line}. Anyone who can reach this route can trigger your handlers`, {
      source: name,
      code: 'RUNHOOKS_SOURCE_UNSIGNED',
    });
  }
}

/** Logs for which handlers the results of a source's runs are fetched. The engine warns of sources without access to them. */
function logResults(logger: Logger, { source, handlerIds, isRead }: ResultsOfSource): void {
  if (!isRead) return;
  const shown = handlerIds.slice(0, LIMITS.handlersLoggedMax);
  const more = handlerIds.length > shown.length ? ` and ${handlerIds.length - shown.length} more` : '';
  logger.log(`Source "${source}": results of runs are fetched for ${shown.join(', ')}${more}`, { source });
}

/** Logs the events that a handler receives. */
export function logHandler(logger: Logger, handler: Handler): void {
  logger.log(`Handler "${handler.id}" (${handler.label}): ${handler.subscriptions.map(describe).join(' | ')}`, {
    handlerId: handler.id,
  });
}

function describe({ on, filter, nodes, includeIsolated, when }: Subscription): string {
  const kind = `${describeKind(on)}${includeIsolated ? ' with isolated runs' : ''}`;
  const conditions = Object.entries({ ...nodes, ...filter }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${valuesOf<string>(value).join(' or ')}`],
  );
  if (when) conditions.push('when(…)');
  return conditions.length === 0 ? kind : `${kind} where ${conditions.join(', ')}`;
}

function describeKind(on: SubscribedTo): string {
  if ('types' in on) return on.types.join(', ');
  if ('stuck' in on) {
    const { stuck } = on;
    return `run.stuck after ${'afterMs' in stuck ? durationText(stuck.afterMs) : `${stuck.p95Times} times the usual`}`;
  }
  if ('barrier' in on)
    return `runs.joined of ${on.barrier.jobs.join(', ')} within ${durationText(on.barrier.withinMs)}`;
  return `${on.provider} message ${on.messageType ?? '*'}`;
}
