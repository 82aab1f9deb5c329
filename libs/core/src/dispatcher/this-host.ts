import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Identifies the operating system whose process ids this process shares: its host name, its start and the namespace of
 * process ids, so that two containers with one name differ. Empty where one of them is unknown, as on any system but Linux:
 * two hosts can have one name, as sandboxes of some clouds do.
 */
export const THIS_HOST = nameOf(
  hostname(),
  part(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
  part(() => readlinkSync('/proc/self/ns/pid')),
);

/** Returns whether a process has certainly ended. Only a process of this host can be judged, if its name is certain. */
export function isGone(host: string, pid: number): boolean {
  if (host === '' || host !== THIS_HOST || pid <= 0) return false;
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
