// Node loads light-my-request, which is what `app.inject` of Fastify is: it has a dependency that is an ES module, and
// Jest cannot require one before Node 24.9.
const { createRequire } = require('node:module');
const TestEnvironment = require('./jest-environment.cjs');

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    this.global.lightMyRequest = createRequire(require.resolve('fastify'))('light-my-request');
  }
};
