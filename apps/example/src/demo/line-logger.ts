import type { LoggerService } from '@nestjs/common';

/** Nest's own startup lines are hidden, because they are not about webhooks. */
const HIDDEN_CONTEXTS = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);

/** Keeps log lines until they are taken, so that they can be shown beside their cause. */
export class LineLogger implements LoggerService {
  #lines: string[] = [];
  #isLive = false;

  /** Prints all further lines immediately. */
  goLive(): void {
    this.#isLive = true;
  }

  take(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  log(message: unknown, context?: unknown): void {
    this.#add('', message, context);
  }

  warn(message: unknown, context?: unknown): void {
    this.#add('warning: ', message, context);
  }

  error(message: unknown, ...more: unknown[]): void {
    this.#add('error: ', message, more.at(-1));
  }

  #add(level: string, message: unknown, context: unknown): void {
    if (typeof context === 'string' && HIDDEN_CONTEXTS.has(context)) return;
    const line = `${typeof context === 'string' ? `[${context}] ` : ''}${level}${String(message)}`;
    if (this.#isLive) console.log(line);
    else this.#lines.push(line);
  }
}
