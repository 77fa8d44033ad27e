import { Module } from '@nestjs/common';
import { Broadcaster } from './broadcaster.js';
import { MoveShapeHub } from './move-shape.hub.js';
import { Shape } from './shape.js';

@Module({ providers: [Shape, MoveShapeHub, Broadcaster] })
export class ShapeModule {}
