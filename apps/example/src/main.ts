import { createApp } from './create-app.js';
import { readSettings } from './settings.js';

const settings = readSettings(process.env);
const app = await createApp(settings);
await app.listen(settings.port);
