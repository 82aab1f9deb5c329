/**
 * `due_at` of a message that waits to be parsed. It is due by any clock, so a wrong clock of the process that stored it
 * cannot delay it. Such messages are claimed in the order of their ids, which is the order of their arrival.
 */
export const AT_ONCE = 0;
