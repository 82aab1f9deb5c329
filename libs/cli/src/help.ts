const EXIT_CODES = `Exit code 0: done. 1: rejected or failed; the message names the fix. 2: the command line is wrong. 3: a database failed or
stayed locked; run the same command again.
`;

export const HELP = `Usage: npx nestjs-runhooks <command> [options]

  backup   copies an SQLite inbox while apps use it
  move     moves an SQLite inbox to PostgreSQL
  send     sends a signed sample webhook to an app

Run npx nestjs-runhooks <command> --help for the options of a command.

${EXIT_CODES}`;

export const COMMAND_HELP = {
  backup: `Usage: npx nestjs-runhooks backup --from <file> --to <file> [--json]

Copies an SQLite inbox as of one moment while apps use it. The copy gets its name after it was checked.

  --from <file>  file of the inbox, as in sqliteInbox({ path }); it is only read
  --to <file>    file of the copy; it must not exist. Only its owner can read it
  --json         print one JSON object instead of text
  -h, --help     show this help

${EXIT_CODES}`,

  move: `Usage: npx nestjs-runhooks move --from <file> --to <url> [--schema <name>] [--json]

Moves an inbox from an SQLite file to a schema of a PostgreSQL database (14 or newer), which several hosts can share.

  --from <file>    file of the inbox, as in sqliteInbox({ path }); it is only read
  --to <url>       postgres://user:password@host:port/database; the password can be in the variable PGPASSWORD instead
  --schema <name>  schema, as in postgresInbox({ schema }); created if it does not exist (default: runhooks)
  --json           print JSON objects, one per line, instead of text
  -h, --help       show this help

Stop every app that uses the file first. If the command is interrupted, run it again: it resumes. At the end it counts the
rows of each table in both databases. No app can open the new inbox before that.

${EXIT_CODES}`,

  send: `Usage: npx nestjs-runhooks send <url> [options]

Sends one signed sample webhook, as its provider would, and prints the response. Each webhook is about a new run unless
you set --run.

  <url>                  URL of the source, for example http://localhost:3000/webhooks/dbt
  --provider <name>      dbt-cloud or paradime (default: dbt-cloud)
  --event <name>         started, succeeded, failed or canceled; for dbt-cloud also completed-failed (default: succeeded)
  --job <name>           name of the job or schedule (default: nightly-build, nightly-run)
  --project <name>       name of the project or workspace (default: analytics)
  --run <id>             id of the run (default: a new one)
  --secret-env <name>    environment variable with the secret of the source
                         (default: DBT_CLOUD_WEBHOOK_SECRET, PARADIME_WEBHOOK_SECRET)
  --json                 print one JSON object instead of text
  -h, --help             show this help

The signature is that of dbt Cloud, or for Paradime that of Standard Webhooks. Sources with a static token do not accept it.

Exit code 0: the app accepted the webhook or had it already. 1: it rejected the webhook or did not respond. 2: the command
line is wrong, or the secret is missing.
`,
} as const;
