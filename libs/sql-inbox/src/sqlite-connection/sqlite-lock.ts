import { timers } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import { isLocked } from './sqlite-failure.js';

/**
 * Runs a step that needs a lock, and retries it for up to {@link SQL_LIMITS.sqliteBusyMs} while another connection holds
 * the lock. The event loop is free in between, because that connection may be in this process. SQLite's own wait would
 * block the event loop, and does not apply when several connections switch a new file to a write-ahead log at the same
 * time.
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
