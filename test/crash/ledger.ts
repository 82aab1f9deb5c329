import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** One effect of a handler outside of the inbox. */
export interface Effect {
  /** Number of the process that had the effect. */
  readonly processNumber: number;
  readonly handlerId: string;
  readonly deliveryId: string;
  readonly attempt: number;
}

/**
 * A file to which handlers append their effects, which no inbox can undo. Each line is one `write`, so it is complete
 * once the call returns, whatever happens to the process.
 */
export class Ledger {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  append({ processNumber, handlerId, deliveryId, attempt }: Effect): void {
    writeSync(this.#file, `${processNumber} ${handlerId} ${deliveryId} ${attempt}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Returns the effects in the order they happened. */
export function readLedger(path: string): Effect[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  if (lines.pop() !== '') throw new Error(`the last line of ${path} is incomplete`);
  return lines.map((line, index) => {
    const [processNumber, handlerId, deliveryId, attempt, ...rest] = line.split(' ');
    if (!processNumber || !handlerId || !deliveryId || !attempt || rest.length > 0) {
      throw new Error(`line ${index + 1} of ${path} is not an effect: ${line}`);
    }
    return { processNumber: Number(processNumber), handlerId, deliveryId, attempt: Number(attempt) };
  });
}
