import { readdirSync, readFileSync } from 'node:fs';

/** Length of a clock tick in /proc, which Linux reports to programs as 1/100 s on every architecture. */
const TICK_MS = 10;

/** CPU time of a process and its direct children, from /proc. Linux only; elsewhere it is zero. */
export class ProcessCpu {
  readonly #pid: number;
  /** Last known time of each process; a process that ended keeps its time. */
  readonly #lastMs = new Map<number, number>();

  constructor(pid: number) {
    this.#pid = pid;
  }

  totalMs(): number {
    for (const pid of [this.#pid, ...childrenOf(this.#pid)]) {
      const ms = cpuMsOf(pid);
      if (ms !== undefined) this.#lastMs.set(pid, ms);
    }
    return [...this.#lastMs.values()].reduce((sum, ms) => sum + ms, 0);
  }
}

/** Returns the parent of a process, or undefined if /proc does not have the process. */
export function parentOf(pid: number): number | undefined {
  const parent = statOf(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Returns the name of a process's program, or undefined if /proc does not have the process. */
export function programOf(pid: number): string | undefined {
  return textOf(`/proc/${pid}/comm`)?.trim();
}

function childrenOf(pid: number): number[] {
  return namesIn('/proc')
    .map(Number)
    .filter((other) => other > 0 && parentOf(other) === pid);
}

/** Returns the time of all threads in nanosecond resolution if the kernel has it, otherwise in ticks. */
function cpuMsOf(pid: number): number | undefined {
  const threads = namesIn(`/proc/${pid}/task`).map((thread) => textOf(`/proc/${pid}/task/${thread}/schedstat`));
  const nanoseconds = threads.reduce((sum, text) => sum + Number(text?.split(' ')[0] ?? 0), 0);
  if (nanoseconds > 0) return nanoseconds / 1e6;
  const stat = statOf(pid);
  return stat && (Number(stat[11]) + Number(stat[12])) * TICK_MS;
}

/** Returns the fields of /proc/<pid>/stat after the command, which may contain spaces: state, parent, and so on. */
function statOf(pid: number): string[] | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
