// `npm run test:slow -- <arguments of npm test>`: the tests as on a machine that is several times slower. Beside them each
// processor has a busy loop, before which they have to give way, as `nice` has it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, constants, setPriority } from 'node:os';

// Ends with this process, however that ends.
const BUSY = 'const { ppid } = process; while (process.ppid === ppid);';
const busy = Array.from({ length: availableParallelism() }, () =>
  spawn(process.execPath, ['-e', BUSY], { stdio: 'ignore' }),
);

setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const tests = spawn('npm', ['test', '--', ...process.argv.slice(2)], { stdio: 'inherit' });
const [code] = await once(tests, 'exit');
for (const one of busy) one.kill();
process.exitCode = code ?? 1;
