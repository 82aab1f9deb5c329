import type { LoggerService } from '@nestjs/common';

/** Keeps what an app logs. */
export class LogLines implements LoggerService {
  #lines: string[] = [];

  /** The lines that contain a text. */
  containing(text: string): string[] {
    return this.#lines.filter((line) => line.includes(text));
  }

  /** The lines that are as a document shows them, where `…` stands for anything. */
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
