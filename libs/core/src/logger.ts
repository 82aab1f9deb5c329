/** The part of Nest's `LoggerService` that Runhooks uses. Lines name ids, never payloads or secrets. */
export interface Logger {
  debug(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
