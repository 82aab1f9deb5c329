import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Inbox } from 'nestjs-runhooks';
import { fakeDbtCloud, ManualClock } from 'nestjs-runhooks/testing';
import { createApp } from './create-app.js';
import { LineLogger } from './demo/line-logger.js';
import { play } from './demo/play.js';
import { playStory } from './demo/play-story.js';
import { scenario, type Secrets } from './demo/scenario.js';
import { stories } from './demo/stories.js';
import { jsonTimeline, textTimeline } from './demo/timeline.js';
import { readSettings } from './settings.js';

const HELP = `Starts the example app on a free port with throw-away secrets and a temporary inbox, sends it signed webhooks of
dbt Cloud and Paradime, and shows and checks the results of each. At a fake of dbt Cloud a test then
fails for two nights, a run that lost its connection is retried, webhooks are lost, and a run is canceled; sweeps of
its API find both runs. Exits with 0 if all results are as expected.

  npm run demo                        on Express
  EXAMPLE_HTTP=fastify npm run demo   on Fastify
  npm run demo -- --json              one JSON object per line
  npm run demo -- --keep              keep the app running and print how to send it a webhook with curl
`;

async function demo({ json, keep }: { json: boolean; keep: boolean }): Promise<boolean> {
  const timeline = json ? jsonTimeline : textTimeline;
  const directory = mkdtempSync(join(tmpdir(), 'runhooks-demo-'));
  const secrets: Secrets = {
    dbt: randomBytes(16).toString('hex'),
    paradime: `whsec_${randomBytes(24).toString('base64')}`,
  };
  const logger = new LineLogger();
  const clock = new ManualClock();
  const dbt = await fakeDbtCloud({ clock });
  const app = await createApp(
    {
      ...readSettings(process.env),
      role: 'both',
      inboxPath: join(directory, 'inbox.db'),
      databaseUrl: undefined,
      redisUrl: undefined,
      dbtSecret: secrets.dbt,
      dbtAccessUrl: 'https://ab123.us1.dbt.com',
      dbtApi: dbt.options(),
      paradimeSecret: secrets.paradime,
    },
    { logger, abortOnError: false },
  );
  try {
    await app.listen(0, '127.0.0.1');
    dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt`, secret: secrets.dbt });
    timeline.boot(logger.take());

    let [requests, storySteps, problems] = [0, 0, 0];
    for (const chapter of scenario(secrets)) {
      timeline.chapter(chapter.title);
      for (const step of chapter.steps) {
        const result = await play(app, step, logger);
        timeline.step(result);
        requests += 1;
        problems += result.problems.length;
      }
    }
    for (const story of stories(dbt, clock)) {
      timeline.chapter(story.title);
      for (const step of story.steps) {
        const result = await playStory(app, dbt, step, logger);
        timeline.storyStep(result);
        storySteps += 1;
        problems += result.problems.length;
      }
    }
    timeline.summary({ ok: problems === 0, requests, storySteps, problems, inbox: await app.get(Inbox).counts() });
    if (keep) {
      logger.goLive();
      await keepRunning(await app.getUrl(), secrets);
    }
    return problems === 0;
  } finally {
    await app.close();
    await dbt.close();
    rmSync(directory, { recursive: true });
  }
}

async function keepRunning(url: string, { dbt }: Secrets): Promise<void> {
  console.log(`
The app is still running; press Ctrl+C to stop it. To send a dbt Cloud webhook from another shell:

  BODY=$(sed "s/wev_2pV7c/wev_$RANDOM/; s/318274655/$RANDOM/" test/fixtures/dbt-cloud/18-spike-errored.json)
  curl -i ${url}/webhooks/dbt --data-raw "$BODY" -H 'content-type: application/json' \\
    -H "authorization: $(printf %s "$BODY" | openssl dgst -sha256 -hmac ${dbt} -r | cut -d' ' -f1)"
`);
  await once(process, 'SIGINT');
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) console.log(HELP);
else process.exitCode = (await demo(values)) ? 0 : 1;
