import { Module } from '@nestjs/common';
import { SignalRModule } from 'nestjs-signalr';
import { LabModule } from './lab/lab.module.js';

@Module({ imports: [SignalRModule.forRoot(), LabModule] })
export class AppModule {}
