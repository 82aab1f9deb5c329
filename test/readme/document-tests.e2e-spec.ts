import { rmSync } from 'node:fs';
import { afterAll } from '@jest/globals';
import { writeCodeBlocks } from './code-blocks.js';

const { directory, blocks } = writeCodeBlocks();

afterAll(() => rmSync(directory, { recursive: true }));

// Importing the tests shown in documents adds them to this file.
for (const { file } of blocks) {
  if (file.endsWith('.spec.ts')) await import(file);
}
