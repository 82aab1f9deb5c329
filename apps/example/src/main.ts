import { createApp, createWorker } from './create-app.js';
import { ENVIRONMENT, readSettings } from './settings.js';

const HELP = `The example app as a service. It reads its environment:

${ENVIRONMENT}`;

if (process.argv.includes('--help')) {
  console.log(HELP);
} else {
  const settings = readSettings(process.env);
  if (settings.role === 'worker') await createWorker(settings);
  else await (await createApp(settings)).listen(settings.port);
}
