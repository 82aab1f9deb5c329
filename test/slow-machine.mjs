// `npm run test:slow -- <arguments of npm test>` runs the tests as on a machine that is several times slower. A busy
// loop on each processor runs beside them, and `nice` makes the tests give way to it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, constants, setPriority } from 'node:os';

// The loop ends when this process ends, even after a crash.
const BUSY = 'const { ppid } = process; while (process.ppid === ppid);';
const busy = Array.from({ length: availableParallelism() }, () =>
  spawn(process.execPath, ['-e', BUSY], { stdio: 'ignore' }),
);

setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const tests = spawn('npm', ['test', '--', ...process.argv.slice(2)], { stdio: 'inherit' });
const [code] = await once(tests, 'exit');
for (const one of busy) one.kill();
process.exitCode = code ?? 1;
