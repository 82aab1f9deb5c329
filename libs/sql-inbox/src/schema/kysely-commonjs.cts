import kysely = require('kysely');

/** In an object: Kysely marks itself as an ES module, and such a one has no default import. */
export = { kysely };
