import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { createApp } from './create-app.js';
import { readSettings } from './settings.js';

const settings = readSettings(process.env);
const app = await createApp(settings, sqliteInbox({ path: settings.inboxPath }));
await app.listen(settings.port);
