// A process of Jest that has nothing left to do has half a second to end. To give back hundreds of megabytes takes longer
// on a slow machine, and Jest would report a leak; the operating system takes them at once. What really keeps the process
// still does: then this event does not come.
process.once('beforeExit', () => process.exit());

module.exports = require('jest-environment-node').TestEnvironment;
