import type { LoggerService } from '@nestjs/common';

/** Keeps what an app logs. */
export class LogLines implements LoggerService {
  #lines: string[] = [];

  /** The lines that contain a text. */
  containing(text: string): string[] {
    return this.#lines.filter((line) => line.includes(text));
  }

  clear(): void {
    this.#lines = [];
  }

  log(message: unknown): void {
    this.#lines.push(String(message));
  }

  warn(message: unknown): void {
    this.#lines.push(String(message));
  }

  error(message: unknown): void {
    this.#lines.push(String(message));
  }
}
