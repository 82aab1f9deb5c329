import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** One effect of a handler on the world outside of the inbox. */
export interface Effect {
  /** Number of the process that did it. */
  readonly life: number;
  readonly handlerId: string;
  readonly deliveryId: string;
  readonly attempt: number;
}

/**
 * A file that handlers append to: their effects, which no inbox can take back. One `write` of one line each, so that a
 * line is there whole once the call was made, whatever becomes of the process.
 */
export class Ledger {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  append({ life, handlerId, deliveryId, attempt }: Effect): void {
    writeSync(this.#file, `${life} ${handlerId} ${deliveryId} ${attempt}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The effects in the order they happened. */
export function readLedger(path: string): Effect[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  if (lines.pop() !== '') throw new Error(`the last line of ${path} was not written whole`);
  return lines.map((line, index) => {
    const [life, handlerId, deliveryId, attempt, ...rest] = line.split(' ');
    if (!life || !handlerId || !deliveryId || !attempt || rest.length > 0) {
      throw new Error(`line ${index + 1} of ${path} is no effect: ${line}`);
    }
    return { life: Number(life), handlerId, deliveryId, attempt: Number(attempt) };
  });
}
