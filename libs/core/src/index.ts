export * from './for-providers.js';
export * from './for-stores.js';
export * from './errors-and-constants.js';
