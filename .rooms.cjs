/**
 * The rooms of a lib, from the lowest: a file imports what is in its own room and in those before it. `.` stands for the
 * loose files. `doors` wire the rooms, or export them, and may know them all.
 */
module.exports = [
  {
    lib: 'core',
    order: [
      [
        '.',
        'time',
        'log',
        'runs',
        'nodes',
        'payloads',
        'sources',
        'api',
        'events',
        'signatures',
        'handlers',
        'store',
        'clocks',
        'receiver',
      ],
      ['inbox', 'deliveries', 'tasks', 'rounds', 'actions', 'results', 'parsing', 'dispatcher'],
    ].flat(),
    doors: 'index|for-providers|for-stores|errors-and-constants|internal|engine',
  },
  {
    lib: 'sql-inbox',
    order: [
      [
        'schema',
        'series',
        'rows',
        'accept',
        'deliveries',
        'processes',
        'tasks',
        'parsing',
        'rounds',
        'actions',
        'recording',
        'results',
        'lists',
        'upkeep',
        '.',
      ],
      ['sqlite-connection', 'sqlite-file', 'sqlite', 'postgres-connection', 'postgres', 'backup', 'move'],
    ].flat(),
    doors: 'sqlite|postgres',
  },
];
