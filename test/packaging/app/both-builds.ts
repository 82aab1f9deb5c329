// This app makes the mistake of loading the package both by require and by import.
import { createRequire } from 'node:module';

createRequire(import.meta.url)('nestjs-runhooks');
await import('./main-express.js');
