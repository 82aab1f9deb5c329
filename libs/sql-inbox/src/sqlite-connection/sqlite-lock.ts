import { timers } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import { isLocked } from './sqlite-failure.js';

/**
 * Runs what needs a lock as soon as nobody else holds it, for up to {@link SQL_LIMITS.sqliteBusyMs}. In between the event
 * loop is free: the holder may be in this process. SQLite's own wait would hold it up, and is left out altogether where
 * several connections change a new file to a write-ahead log at the same moment.
 */
export async function onceUnlocked(run: () => void): Promise<void> {
  const giveUpAt = timers.monotonicMs() + SQL_LIMITS.sqliteBusyMs;
  for (;;) {
    try {
      run();
      return;
    } catch (error) {
      if (!isLocked(error) || timers.monotonicMs() >= giveUpAt) throw error;
    }
    await timers.pause(SQL_LIMITS.sqliteTryMs);
  }
}
