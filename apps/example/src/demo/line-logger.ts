import type { LoggerService } from '@nestjs/common';

/** What Nest itself says at boot is not about webhooks. */
const QUIET = new Set(['InstanceLoader', 'NestApplication', 'NestFactory', 'RouterExplorer', 'RoutesResolver']);

/** Keeps log lines until they are taken, so that they can be shown beside what caused them. */
export class LineLogger implements LoggerService {
  #lines: string[] = [];
  #isLive = false;

  /** Prints lines as they come from now on. */
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
    if (typeof context === 'string' && QUIET.has(context)) return;
    const line = `${typeof context === 'string' ? `[${context}] ` : ''}${level}${String(message)}`;
    if (this.#isLive) console.log(line);
    else this.#lines.push(line);
  }
}
