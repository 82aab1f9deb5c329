/** Stream for lines of output. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Exit codes of all commands. The help texts list them. */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 3 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
