import { register } from 'node:module';

// `node --import <this file> child.ts`: runs the sources as they are, as jest.config.js does.
register('./typescript-hooks.mjs', import.meta.url);
