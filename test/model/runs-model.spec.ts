import { afterAll, beforeAll } from '@jest/globals';
import { describeRuns } from './runs-model.js';
import { onEveryDriver, sharedFiles } from './sqlite-files.js';

onEveryDriver('two processes on one SQLite inbox', (driver) => {
  let files: Awaited<ReturnType<typeof sharedFiles>>;
  beforeAll(async () => {
    files = await sharedFiles(driver);
  });
  afterAll(() => files.remove());

  describeRuns(() => files.newInbox());
});
