// Checks that every app must pass, shared by the suites of package managers and runtimes.
import { COMPLETED, ENV, expectEqual, post, RUN_ID, WEBHOOK } from './webhook.mjs';

/**
 * Returns the checks. `startApp` receives the environment and returns the result of `start`; `stop` ends what still
 * runs.
 */
export function serving(startApp) {
  let running;
  return {
    check: async () => {
      running = startApp(ENV);
      const url = await running.line('listening');
      expectEqual(await post(url, WEBHOOK), [200, 'accepted']);
      expectEqual(JSON.parse(await running.line('handled')), { type: 'run.failed', run: RUN_ID, attempt: 1 });
      expectEqual(await post(url, WEBHOOK), [200, 'duplicate']);
      expectEqual((await post(url, WEBHOOK, '0'.repeat(64)))[0], 401);
      expectEqual(await post(url, COMPLETED), [200, 'accepted']);
      await running.line('lingers');
      running.child.stdin.end();
      await running.line('drained');
      expectEqual(await running.exited, 0);
    },
    stop: async () => {
      running?.child.kill('SIGKILL');
      await running?.exited;
    },
  };
}

/** Runs an app that must fail to start, and checks its output. */
export async function expectRefusal(running, pattern) {
  const timer = setTimeout(() => running.child.kill('SIGKILL'), 30_000);
  const code = await running.exited;
  clearTimeout(timer);
  if (code === 0 || code === null || !pattern.test(running.output())) {
    throw new Error(`ended with ${code}, expected an error like ${pattern}:\n${running.output()}`);
  }
}
