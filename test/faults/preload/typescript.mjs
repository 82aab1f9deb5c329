import { register } from 'node:module';

// `node --import <this file> child.ts` runs the sources without a build, with the paths of jest.config.js.
register('./typescript-hooks.mjs', import.meta.url);
