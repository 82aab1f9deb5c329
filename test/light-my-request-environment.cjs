// Node itself loads light-my-request, which implements `app.inject` of Fastify. One of its dependencies is an ES
// module, which Jest cannot require before Node 24.9.
const { createRequire } = require('node:module');
const TestEnvironment = require('./jest-environment.cjs');

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    this.global.lightMyRequest = createRequire(require.resolve('fastify'))('light-my-request');
  }
};
