/**
 * `due_at` of a message that waits to be read: due by any clock, so that the clock of the process which stored it cannot
 * keep it from being read. Among such messages the id decides, and so the order in which they came.
 */
export const AT_ONCE = 0;
