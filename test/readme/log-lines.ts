import type { LoggerService } from '@nestjs/common';

/** A logger that keeps what an app logs. */
export class LogLines implements LoggerService {
  #lines: string[] = [];

  /** Returns the lines that contain a string. */
  containing(text: string): string[] {
    return this.#lines.filter((line) => line.includes(text));
  }

  /** Returns the lines that match a line of a document, where `…` stands for any text. */
  like(shown: string): string[] {
    const parts = shown.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    return this.#lines.filter((line) => new RegExp(`^${parts.join('.*')}$`).test(line));
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
