import { NestFactory } from '@nestjs/core';
import { untilStopped } from '../farm/app-process.js';
import { SenderModule } from './sender.module.js';

const app = await NestFactory.createApplicationContext(SenderModule, { logger: ['warn', 'error'] });
await untilStopped();
await app.close();
process.exit();
