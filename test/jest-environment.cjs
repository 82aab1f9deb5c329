// A Jest process without work left has half a second to end. On a slow machine, freeing hundreds of megabytes takes
// longer, and Jest would report a leak, so the process exits at once. An open handle still keeps the process running,
// because then this event does not occur.
process.once('beforeExit', () => process.exit());

module.exports = require('jest-environment-node').TestEnvironment;
