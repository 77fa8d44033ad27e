import { defineConfig } from 'vitest/config';

/**
 * One project per kind of suite, so that each can be run alone (`npx vitest run --project unit`).
 * Two cores: end-to-end files run side by side, browser and .NET files one after another.
 */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^nestjs-signalr$/, replacement: new URL('./lib/index.ts', import.meta.url).pathname },
      {
        find: /^nestjs-signalr\/(\w+)$/,
        replacement: new URL('./lib/$1/index.ts', import.meta.url).pathname,
      },
    ],
  },
  test: {
    pool: 'forks',
    reporters: ['default', ['json', { outputFile: process.env.TEST_RESULTS ?? '.test-results/vitest.json' }]],
    coverage: { provider: 'v8', include: ['lib/**/*.ts'] },
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.spec.ts'] } },
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.spec.ts'], testTimeout: 20_000 } },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: { enabled: true, only: true, include: ['test/types/**/*.test-d.ts'] },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.spec.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'dotnet',
          include: ['test/dotnet/**/*.spec.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'smoke',
          include: ['test/smoke/**/*.spec.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
