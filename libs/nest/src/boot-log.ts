import {
  valuesOf,
  type Handler,
  type Logger,
  type OpenSource,
  type SubscribedTo,
  type Subscription,
} from 'nestjs-runhooks/core';

/** Says at boot who may send what where, and what runs on it: the first thing to read when something does not arrive. */
export function logBoot(
  logger: Logger,
  inbox: string,
  sources: readonly OpenSource[],
  handlers: readonly Handler[],
  isReachable: boolean,
): void {
  logger.log(`Inbox: ${inbox}`);
  for (const source of sources) logSource(logger, source, isReachable);
  for (const handler of handlers) logHandler(logger, handler);
  if (handlers.length === 0) logger.warn('No handlers found: webhooks are stored and read, but nothing runs');
}

function logSource(logger: Logger, { name, paths, provider }: OpenSource, isReachable: boolean): void {
  const where = isReachable
    ? paths.map((path) => `POST ${path}`).join(', ')
    : 'not reachable: this app has no HTTP server';
  const line = `Source ${name} (${provider.name}): ${where}; signature: ${provider.signature}`;
  if (provider.signature.startsWith('NONE')) logger.warn(`${line}. Anyone who can reach it can start your handlers`);
  else logger.log(line);
}

/** Which events a handler waits for. */
export function logHandler(logger: Logger, handler: Handler): void {
  logger.log(`Handler ${handler.id} (${handler.label}): ${handler.subscriptions.map(describe).join(' | ')}`);
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
