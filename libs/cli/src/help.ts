const EXIT_CODES = `Exit code 0: done. 1: refused or failed, and the message says what to do. 2: the command line is wrong.
3: a database failed or stayed locked on the way; run the same command again.
`;

export const HELP = `Usage: npx nestjs-runhooks <command> [options]

  backup   copies an SQLite inbox while apps use it
  migrate  moves an SQLite inbox to PostgreSQL
  send     sends a signed sample webhook to an app

npx nestjs-runhooks <command> --help tells about one of them.

${EXIT_CODES}`;

export const COMMAND_HELP = {
  backup: `Usage: npx nestjs-runhooks backup --from <file> --to <file> [--json]

Copies an SQLite inbox as it is at one moment, while apps go on using it. The copy is checked before it has its name.

  --from <file>  the file that sqliteInbox was given; it is only read
  --to <file>    the copy; nothing may be there. Only its owner may read it
  --json         one JSON object in place of text
  -h, --help     show this

${EXIT_CODES}`,

  migrate: `Usage: npx nestjs-runhooks move --from <file> --to <url> [--schema <name>] [--json]

Moves an inbox from an SQLite file to a schema of a PostgreSQL database (14 or newer), where several hosts can share it.

  --from <file>    the file that sqliteInbox was given; it is only read
  --to <url>       postgres://user:password@host:port/database; the password may be in the variable PGPASSWORD instead
  --schema <name>  the schema that postgresInbox is given; made if it is not there (default: runhooks)
  --json           one JSON object a line in place of text
  -h, --help       show this

Stop every app on the file first. Interrupted at any moment, the same command goes on where it stopped. At the end the
rows of each table are counted on both sides; no app opens the new inbox before that.

${EXIT_CODES}`,

  send: `Usage: npx nestjs-runhooks send <url> [options]

Sends one signed sample webhook, as its provider would, and prints what the app answers. Each time it is about another
run, unless --run names one.

  <url>                  where the source listens, for example http://localhost:3000/webhooks/dbt
  --provider <name>      dbt-cloud or paradime (default: dbt-cloud)
  --event <name>         started, succeeded, failed or canceled; of dbt-cloud also completed-failed (default: succeeded)
  --job <name>           name of the job or schedule (default: nightly-build, nightly-run)
  --project <name>       name of the project or workspace (default: analytics)
  --run <id>             id of the run (default: a new one)
  --secret-env <name>    the environment variable with the secret of the source
                         (default: DBT_CLOUD_WEBHOOK_SECRET, PARADIME_WEBHOOK_SECRET)
  --json                 one JSON object in place of text
  -h, --help             show this

It signs as dbt Cloud does, or by Standard Webhooks for Paradime; sources with a static token cannot be tried with it.

Exit code 0: the app accepted it, or had it before. 1: it did not, or does not answer. 2: the command line is wrong, or there is no secret.
`,
} as const;
