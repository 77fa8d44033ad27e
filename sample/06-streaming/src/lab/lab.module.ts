import { Module } from '@nestjs/common';
import { LabHub } from './lab.hub.js';
import { Sensor } from './sensor.js';

@Module({ providers: [LabHub, Sensor] })
export class LabModule {}
