import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** The operating system of a process, as it is registered. */
export interface ThisHost {
  /** Name; empty if it is not certain. */
  readonly host: string;
  /** Returns whether a process has certainly ended, by its host and process id. */
  readonly isGone: (host: string, pid: number) => boolean;
}

/**
 * Returns the operating system whose process ids this process shares: its host name, its start and the namespace of process
 * ids, so that two containers with one name differ. The name is empty where one of them is unknown, as on any system but
 * Linux: two hosts can have one name, as sandboxes of some clouds do. `isGone` then judges no process.
 */
export function thisHost(): ThisHost {
  const host = nameOf(
    hostname(),
    part(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    part(() => readlinkSync('/proc/self/ns/pid')),
  );
  return { host, isGone: (other, pid) => host !== '' && other === host && pid > 0 && hasEnded(pid) };
}

/** Returns whether no process of this host has a process id. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Returns the name of a host, or an empty text if a part of it is unknown. */
export function nameOf(...parts: readonly string[]): string {
  return parts.includes('') ? '' : parts.join(' ');
}

/** Returns an empty text where the system has no such file, or does not let this process read it. */
function part(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
