export { FakeClock } from 'nestjs-signalr/testing';
