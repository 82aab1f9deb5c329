import {
  LIMITS,
  valuesOf,
  type Handler,
  type Logger,
  type NamedSource,
  type OpenSource,
  type ProcessSummary,
  type Role,
  type SubscribedTo,
  type Subscription,
  type MissingHandler,
} from 'nestjs-runhooks/core';

export interface Boot {
  readonly inbox: string;
  readonly role: Role;
  readonly transport: string | undefined;
  readonly sources: readonly OpenSource[];
  readonly leftOut: readonly NamedSource[];
  readonly handlers: readonly Handler[];
  /** Whether the app has an HTTP server. */
  readonly isReachable: boolean;
}

const ROLES: Readonly<Record<Role, string>> = {
  both: 'stores what arrives, and runs handlers',
  receiver: 'stores what arrives; handlers run in other processes',
  worker: 'runs handlers; has no webhook routes',
};

/** Says at boot who may send what where, and what runs on it: the first thing to read when something does not arrive. */
export function logStartup(logger: Logger, boot: Boot): void {
  const { inbox, role, transport, sources, leftOut, handlers, isReachable } = boot;
  logger.log(`Inbox: ${inbox}`);
  logger.log(`Role ${role}: ${ROLES[role]}`);
  if (transport !== undefined) logger.log(`Dispatch: ${transport}`);
  const absence = absenceOfRoutes(role, isReachable);
  for (const source of sources) logSource(logger, source, absence);
  for (const { name, provider } of leftOut) {
    logger.warn(`Source ${name} (${provider}) is left out: enabled is false. It has no route, and its messages wait`, {
      source: name,
    });
  }
  for (const handler of handlers) logHandler(logger, handler);
  if (handlers.length > 0 || role === 'receiver') return;
  logger.warn('No handlers found: webhooks are stored and read, but nothing runs');
}

/** What waits for handlers that nobody runs. */
export function logMissingHandlers(logger: Logger, missingHandlers: readonly MissingHandler[]): void {
  if (missingHandlers.length === 0) return;
  const named = missingHandlers.slice(0, LIMITS.handlersLoggedMax).map(({ handlerId, deliveries, checks }) => {
    const counts = [countOf(deliveries, 'delivery', 'deliveries'), countOf(checks, 'check', 'checks')];
    return `${handlerId} (${counts.filter((count) => count !== '').join(', ')})`;
  });
  const more = missingHandlers.length > named.length ? ` and ${missingHandlers.length - named.length} more` : '';
  logger.warn(
    `Work waits for handlers that no running process has: ${named.join(', ')}${more}. Where one was renamed, give it ` +
      'its old id; where one was removed, Inbox.dismiss({ handlerId, by, reason }) ends its deliveries',
  );
}

function countOf(count: number, one: string, several: string): string {
  return count === 0 ? '' : `${count} ${count === 1 ? one : several}`;
}

/** Whether anybody reads what a receiver stores. */
export function logMissingWorker(logger: Logger, processes: readonly ProcessSummary[]): void {
  if (processes.some(({ role }) => role !== 'receiver')) return;
  logger.warn('No dispatcher is running on this inbox: what arrives is stored, and waits for one');
}

function absenceOfRoutes(role: Role, isReachable: boolean): string | undefined {
  if (role === 'worker') return 'not received here';
  return isReachable ? undefined : 'not reachable: this app has no HTTP server';
}

function logSource(logger: Logger, { name, paths, provider }: OpenSource, absence: string | undefined): void {
  const where = absence ?? paths.map((path) => `POST ${path}`).join(', ');
  const line = `Source ${name} (${provider.name}): ${where}; signature: ${provider.signature}`;
  if (!provider.isOpenToAnyone) logger.log(line, { source: name });
  else logger.warn(`${line}. Anyone who can reach it can start your handlers`, { source: name });
}

/** Which events a handler waits for. */
export function logHandler(logger: Logger, handler: Handler): void {
  logger.log(`Handler ${handler.id} (${handler.label}): ${handler.subscriptions.map(describe).join(' | ')}`, {
    handlerId: handler.id,
  });
}

function describe({ on, filter, when }: Subscription): string {
  const what = describeKind(on);
  const conditions = Object.entries(filter).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${valuesOf<string>(value).join(' or ')}`],
  );
  if (when) conditions.push('when(…)');
  return conditions.length === 0 ? what : `${what} where ${conditions.join(', ')}`;
}

function describeKind(on: SubscribedTo): string {
  if ('types' in on) return on.types.join(', ');
  if ('stuck' in on) {
    const { stuck } = on;
    return `run.stuck after ${'afterMs' in stuck ? `${stuck.afterMs} ms` : `${stuck.p95Times} times the usual`}`;
  }
  if ('barrier' in on) return `runs.joined of ${on.barrier.jobs.join(', ')} within ${on.barrier.withinMs} ms`;
  return `${on.provider} message ${on.messageType ?? '*'}`;
}
