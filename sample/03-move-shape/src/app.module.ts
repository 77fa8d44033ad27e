import { Module } from '@nestjs/common';
import { SignalRModule } from 'nestjs-signalr';
import { ShapeModule } from './shape/shape.module.js';

@Module({ imports: [SignalRModule.forRoot(), ShapeModule] })
export class AppModule {}
