// The mistake: one process that loads the package by require and by import.
import { createRequire } from 'node:module';

createRequire(import.meta.url)('nestjs-runhooks');
await import('./main-express.js');
