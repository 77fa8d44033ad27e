import { Module } from '@nestjs/common';
import { SignalRModule } from 'nestjs-signalr';
import { ChatModule } from './chat/chat.module.js';
import { LoggingModule } from './chat/logging.pipeline.js';

@Module({
  imports: [SignalRModule.forRoot({ path: '/signalr', pipeline: [LoggingModule] }), ChatModule],
})
export class AppModule {}
