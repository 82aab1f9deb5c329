/** Formats a time as Paradime does: UTC without a zone, with microseconds. */
export function dttm(now: Date, plusSeconds = 0): string {
  const iso = new Date(now.getTime() + plusSeconds * 1_000).toISOString();
  return `${iso.slice(0, 'yyyy-mm-dd'.length)} ${iso.slice('yyyy-mm-ddT'.length, -1)}000`;
}
